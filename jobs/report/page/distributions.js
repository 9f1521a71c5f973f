"use strict";

// A metric of single images: a strip of dots for each method, with quartiles, and against the best image by image.

const strip_state = { group: default_group(), metric: null, against: "" };

/** Dots spread within their strip by the golden ratio, the same at every drawing. */
const spread = number => ((number * 0.6180339887) % 1 - 0.5) * 0.8;

const image_name = (group, number) => {
  const entry = data.page.images.groups[group]?.find(one => one.number === number);
  return entry ? entry.name || "image " + number : "image " + number;
};

/** Quartiles as a box, the median as a line across it. */
const quartile_boxes = {
  id: "boxes",
  beforeDatasetsDraw(chart) {
    const { ctx, scales: { x, y } } = chart;
    ctx.save();
    for (const dataset of chart.data.datasets) {
      if (!dataset.quartiles) continue;
      const [low, first, median, third, high] = dataset.quartiles.map(value => x.getPixelForValue(value));
      const top = y.getPixelForValue(dataset.place - dataset.half), bottom = y.getPixelForValue(dataset.place + dataset.half), middle = (top + bottom) / 2;
      ctx.fillStyle = dataset.borderColor + "2e";
      ctx.strokeStyle = dataset.borderColor;
      ctx.lineWidth = 1;
      ctx.fillRect(first, top, third - first, bottom - top);
      ctx.strokeRect(first, top, third - first, bottom - top);
      ctx.beginPath();
      ctx.moveTo(low, middle); ctx.lineTo(first, middle); ctx.moveTo(third, middle); ctx.lineTo(high, middle);
      ctx.stroke();
      ctx.lineWidth = 2.5;
      ctx.beginPath();
      ctx.moveTo(median, top); ctx.lineTo(median, bottom);
      ctx.stroke();
    }
    ctx.restore();
  },
};

function quartiles_of(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return [0, .25, .5, .75, 1].map(share => {
    const place = share * (sorted.length - 1), below = Math.floor(place);
    return sorted[below] + (place - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
  });
}

/** The dots of a point: its values, or their differences from those of another on the same images. */
function strip_of(point, metric, against) {
  const own = data.page.values.points[point.number]?.[metric.name];
  if (!own) return null;
  if (!against) return { quartiles: own.quartiles, images: own.images, values: own.values };
  const other = data.page.values.points[against.number]?.[metric.name];
  if (!other) return null;
  const by_image = new Map(other.images.map((image, i) => [image, other.values[i]]));
  const images = own.images.filter(image => by_image.has(image));
  const values = images.map(image => own.values[own.images.indexOf(image)] - by_image.get(image));
  return values.length ? { quartiles: quartiles_of(values), images, values } : null;
}

function draw_strips() {
  const metric = metric_of(strip_state.metric);
  const group = data.groups[strip_state.group];
  const against = strip_state.against === "" ? null : data.points[Number(strip_state.against)];
  const points = group.points.filter(point => point !== against && strip_of(point, metric, against));
  const is_narrow = document.getElementById("strip-box").clientWidth < 620, half = is_narrow ? 0.2 : 0.3;
  document.getElementById("strip-box").style.height = Math.max(160, 90 + (is_narrow ? 60 : 46) * points.length) + "px";
  const datasets = points.map((point, place) => {
    const strip = strip_of(point, metric, against);
    return { label: point_title(point), place, half, quartiles: strip.quartiles, borderColor: colour_of(point), backgroundColor: colour_of(point) + "c0",
      pointStyle: "circle", radius: strip.values.length > 150 ? 1.8 : 3.2, borderWidth: 0,
      data: strip.values.map((value, i) => ({ x: value, y: place + half * 2 * spread(i + 1), image: strip.images[i] })) };
  });
  draw_chart("strip-chart", { type: "scatter", data: { datasets }, plugins: [quartile_boxes], options: {
    layout: { padding: { right: 10 } },
    onClick: (event, items) => { if (items.length) show_in_browser(strip_state.group, items[0].element.$context.raw.image, points[items[0].datasetIndex].number); },
    scales: {
      x: axis(against ? "difference in " + metric_title(metric) + " from " + shown(point_title(against)) : with_arrow(metric), { grace: "3%" }),
      y: { min: is_narrow ? -0.75 : -0.6, max: points.length - (is_narrow ? 0.6 : 0.4), reverse: true, grid: { display: false }, afterBuildTicks: scale => { scale.ticks = points.map((point, value) => ({ value })); },
        ticks: { color: ink("ink"), autoSkip: false, mirror: is_narrow, labelOffset: is_narrow ? -23 : 0, z: 2, callback: value => points[value] ? shown(point_title(points[value])) : "" } } },
    plugins: { legend: { display: false }, tooltip: { callbacks: { label: item => shown(image_name(strip_state.group, item.raw.image)) + ": " + fixed(item.raw.x, metric.digits) } } } } });
}

function against_options() {
  return [["", "the values themselves"], ...data.groups[strip_state.group].points.filter(point => point.metrics[strip_state.metric])
    .map(point => [point.number, "difference from " + point_title(point)])];
}

function draw_distributions() {
  const groups = data.groups.filter(group => group.points.some(point => Object.keys(data.page.values.points[point.number] ?? {}).length));
  if (!groups.length) { remove_section("distributions"); return; }
  strip_state.group = groups.some(group => group.number === strip_state.group) ? strip_state.group : groups[0].number;
  strip_state.metric = metrics[0].name;
  const controls = make("div", { class: "controls" });
  const fill_controls = () => fill(controls,
    group_choice("strip-group", strip_state.group, value => { strip_state.group = value; strip_state.against = ""; fill_controls(); draw_strips(); }, groups),
    choice("Metric", metrics.map(metric => [metric.name, metric_title(metric)]), strip_state.metric, value => { strip_state.metric = value; draw_strips(); }, "strip-metric"),
    choice("Show", against_options(), strip_state.against, value => { strip_state.against = value; draw_strips(); }, "strip-against"));
  fill_controls();
  add(body_of("distributions"), controls, make("div", { class: "chart", id: "strip-box" },
    make("canvas", { id: "strip-chart", role: "img", "aria-label": "values of single images, a strip for each method" })),
  make("p", { class: "hint" }, "A dot is an image, its samples averaged; box and line are quartiles and median. A click on a dot shows the image below." +
    (data.page.values.is_sampled ? " Quartiles are over all images, dots are the first " + data.page.values.most_of_one + " of a fixed order that spreads over the dataset." : "")));
  draw_strips();
  on_theme.push(draw_strips);
}
