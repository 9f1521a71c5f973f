"use strict";

// Trade-off, noise level and distributions, drawn by Chart.js.

const charts = {};

/** Makes or replaces a chart, in the theme's colours. */
function draw_chart(id, config) {
  charts[id]?.destroy();
  Chart.defaults.color = ink("soft");
  Chart.defaults.borderColor = ink("line");
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  config.options = { animation: false, responsive: true, maintainAspectRatio: false, ...config.options };
  charts[id] = new Chart(document.getElementById(id), config);
}

const axis = (text, more = {}) => ({ title: { display: true, text, color: ink("ink") }, grid: { color: ink("line") }, border: { color: ink("strong-line") }, ...more });

/** Whiskers of one standard error on both axes, for points that have x_error and y_error. */
const whiskers = {
  id: "whiskers",
  beforeDatasetsDraw(chart) {
    const { ctx, scales: { x, y }, chartArea: area } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.width, area.height);
    ctx.clip();
    chart.data.datasets.forEach((dataset, number) => {
      if (!chart.isDatasetVisible(number)) return;
      ctx.strokeStyle = dataset.borderColor;
      ctx.globalAlpha = 0.55;
      for (const point of dataset.data) {
        ctx.beginPath();
        if (is_number(point.y_error)) { ctx.moveTo(x.getPixelForValue(point.x), y.getPixelForValue(point.y - point.y_error)); ctx.lineTo(x.getPixelForValue(point.x), y.getPixelForValue(point.y + point.y_error)); }
        if (is_number(point.x_error)) { ctx.moveTo(x.getPixelForValue(point.x - point.x_error), y.getPixelForValue(point.y)); ctx.lineTo(x.getPixelForValue(point.x + point.x_error), y.getPixelForValue(point.y)); }
        ctx.stroke();
      }
    });
    ctx.restore();
  },
};

/** Names beside points, where there is room for them. */
const names_beside = {
  id: "names",
  afterDatasetsDraw(chart) {
    const { ctx, chartArea: area } = chart;
    const boxes = [];
    ctx.save();
    ctx.font = "12px " + Chart.defaults.font.family;
    ctx.textBaseline = "middle";
    const circles = chart.data.datasets.flatMap((dataset, number) => dataset.is_front || !chart.isDatasetVisible(number) ? []
      : chart.getDatasetMeta(number).data.map((element, i) => ({ x: element.x, y: element.y, radius: element.options.radius, name: dataset.data[i].name })));
    for (const circle of circles) boxes.push(Object.assign([circle.x - circle.radius, circle.y - circle.radius, circle.x + circle.radius, circle.y + circle.radius], { owner: circle }));
    for (const circle of circles) {
      const width = ctx.measureText(circle.name).width, gap = circle.radius + 5;
      // Between the whiskers first
      const side = circle.radius * 0.7 + 3, rise = circle.radius * 0.7 + 8;
      const places = [[circle.x + side, circle.y - rise], [circle.x + side, circle.y + rise], [circle.x - side - width, circle.y - rise],
        [circle.x - side - width, circle.y + rise], [circle.x + gap, circle.y], [circle.x - gap - width, circle.y]];
      for (const [left, middle] of places) {
        const box = [left, middle - 8, left + width, middle + 8];
        const is_inside = box[0] >= area.left && box[2] <= area.right && box[1] >= area.top && box[3] <= area.bottom;
        if (!is_inside || boxes.some(other => other.owner !== circle && box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1])) continue;
        boxes.push(box);
        ctx.fillStyle = ink("ink");
        ctx.fillText(circle.name, left, middle);
        break;
      }
    }
    ctx.restore();
  },
};

/** What can stand on an axis: metrics and costs. */
const quantities = [
  ...metrics.filter(metric => metric.has_best).map(metric => ({ key: metric.name, title: with_arrow(metric), is_better_higher: metric.is_better_higher,
    value: point => point.metrics[metric.name]?.mean, error: point => point.metrics[metric.name]?.standard_error, digits: metric.digits })),
  { key: "nfe", title: "network calls per image", is_better_higher: false, is_cost: true, value: point => point.nfe, digits: 0 },
  { key: "seconds", title: "seconds per image", is_better_higher: false, is_cost: true, value: point => point.seconds, digits: 2 },
].filter(one => data.points.some(point => is_number(one.value(point))));
const quantity = key => quantities.find(one => one.key === key);

/** a is nowhere worse than b and somewhere better. */
function dominates(a, b, by) {
  let is_better = false;
  for (const one of by) {
    const gap = (one.value(a) - one.value(b)) * (one.is_better_higher ? 1 : -1);
    if (gap < 0) return false;
    if (gap > 0) is_better = true;
  }
  return is_better;
}
const pareto_front = (points, by) => points.filter(point => !points.some(other => dominates(other, point, by)));

/** The group with the most to compare. */
function default_group() {
  const count = group => group.points.filter(point => Object.keys(point.metrics).length).length;
  return data.groups.reduce((best, group) => count(group) > count(best) ? group : best, data.groups[0]).number;
}

/** An axis' ends around values with their errors. */
function ends_of(points, one) {
  const values = points.flatMap(point => [-1, 1].map(sign => one.value(point) + sign * (one.error?.(point) ?? 0)));
  const low = Math.min(...values), high = Math.max(...values), room = 0.1 * (high - low) || 0.1 * Math.abs(high) || 1;
  return { suggestedMin: low >= 0 ? Math.max(0, low - room) : low - room, suggestedMax: high + room };
}

const tradeoff_state = { group: default_group(), x: null, y: null, hidden: new Set() };

function draw_tradeoff_chart() {
  const [x, y] = [quantity(tradeoff_state.x), quantity(tradeoff_state.y)];
  const cost = quantity("seconds") ?? quantity("nfe");
  const points = data.groups[tradeoff_state.group].points.filter(point => is_number(x.value(point)) && is_number(y.value(point)));
  const front = pareto_front(points, [x, y]).sort((a, b) => x.value(a) - x.value(b));
  const all = pareto_front(points, [x, y, cost].filter((one, i, list) => list.indexOf(one) === i));
  const most = Math.max(...points.map(point => cost.value(point) ?? 0), 1e-12);
  const radius = point => 5 + 11 * Math.sqrt((cost.value(point) ?? 0) / most);
  const datasets = points.map(point => ({
    label: point_title(point), backgroundColor: colour_of(point) + "b0", borderColor: all.includes(point) ? ink("ink") : colour_of(point),
    borderWidth: all.includes(point) ? 1.8 : 1, pointStyle: shape_of(point), radius: radius(point), hoverRadius: radius(point) + 1,
    data: [{ x: x.value(point), y: y.value(point), x_error: x.error?.(point), y_error: y.error?.(point), name: point_title(point), point }],
  }));
  datasets.push({ label: "Pareto front", is_front: true, type: "line", data: front.map(point => ({ x: x.value(point), y: y.value(point) })),
    borderColor: ink("soft"), borderDash: [5, 4], borderWidth: 1.4, pointRadius: 0, pointHitRadius: 0, fill: false, order: 9 });
  draw_chart("tradeoff-chart", { type: "scatter", data: { datasets }, plugins: [whiskers, names_beside], options: {
    layout: { padding: { right: 12, top: 8 } },
    scales: { x: axis(x.title, ends_of(points, x)), y: axis(y.title, ends_of(points, y)) },
    plugins: { legend: { display: false }, tooltip: { filter: item => !item.dataset.is_front, callbacks: {
      title: items => items[0]?.dataset.label, label: item => quantities.map(one => one.title.replace(/.[↑↓]$/, "") + " " +
        fixed(one.value(item.raw.point), one.digits)) } } } } });
  document.getElementById("front").textContent = "On the Pareto front of these two: " + (front.map(point => shown(point_title(point))).join(", ") || "none") +
    ". With " + cost.title + " as a third: " + (all.map(point => shown(point_title(point))).join(", ") || "none") + ".";
}

function group_choice(id, chosen, on_change, groups = data.groups) {
  return choice("Measurement", groups.map(group => [group.number, group_title(group)]), chosen, value => on_change(Number(value)), id);
}

function draw_tradeoff() {
  const quality = quantities.filter(one => !one.is_cost);
  const is_compared = data.groups.some(group => group.points.filter(point => Object.keys(point.metrics).length).length > 1);
  if (!quality.length || quantities.length < 2 || !is_compared) { remove_section("tradeoff"); return; }
  tradeoff_state.y = (quantity("psnr") ?? quality[0]).key;
  tradeoff_state.x = (quantity("lpips") ?? quantities.find(one => one.is_cost)).key;
  const options = quantities.map(one => [one.key, one.title]);
  const set = key => value => { tradeoff_state[key] = value; draw_tradeoff_chart(); };
  add(body_of("tradeoff"), make("div", { class: "controls" },
    group_choice("tradeoff-group", tradeoff_state.group, set("group"), data.groups.filter(group => !group.is_generation)),
    choice("Up", options, tradeoff_state.y, set("y"), "tradeoff-y"), choice("Across", options, tradeoff_state.x, set("x"), "tradeoff-x")),
  make("div", { class: "chart" }, make("canvas", { id: "tradeoff-chart", role: "img", "aria-label": "methods by two qualities; the numbers stand in the table of results" })),
  make("p", { id: "front" }),
  make("p", { class: "hint" }, "The area of a mark tells " + (quantity("seconds") ? "seconds" : "network calls") + " per image, whiskers one standard error. " +
    "Dashed: the Pareto front of the two axes. Ringed: on the front when cost counts too."));
  draw_tradeoff_chart();
  on_theme.push(draw_tradeoff_chart);
}

const noise_state = { operator: null, metric: null };

function noise_operators() {
  const groups = data.groups.filter(group => is_number(group.sigma_y));
  const name_of = group => group.operator + (group.dataset ? " · " + group.dataset : "");
  return [...new Set(groups.map(name_of))].map(name => ({ name, groups: groups.filter(group => name_of(group) === name) }));
}

function draw_noise_chart() {
  const operator = noise_operators().find(one => one.name === noise_state.operator);
  const metric = metric_of(noise_state.metric);
  const lines = new Map();
  for (const group of operator.groups) {
    for (const point of group.points) {
      const numbers = point.metrics[metric.name];
      if (!numbers) continue;
      const title = point_title(point);
      if (!lines.has(title)) lines.set(title, { point, data: [] });
      lines.get(title).data.push({ x: group.sigma_y, y: numbers.mean, y_error: numbers.standard_error });
    }
  }
  const given = metric.name === "psnr" ? operator.groups.filter(group => group.measurement).map(group => ({ x: group.sigma_y, y: group.measurement.mean })) : [];
  const datasets = [...lines.values()].map(({ point, data: values }) => ({ label: point_title(point), data: values.sort((a, b) => a.x - b.x),
    borderColor: colour_of(point), backgroundColor: colour_of(point), pointStyle: shape_of(point), radius: 4, borderWidth: 2, tension: 0 }));
  if (given.length) datasets.push({ label: "the measurement itself", data: given.sort((a, b) => a.x - b.x), borderColor: ink("soft"), backgroundColor: ink("soft"), borderDash: [4, 4], borderWidth: 1.5, radius: 3 });
  draw_chart("noise-chart", { type: "line", data: { datasets }, plugins: [whiskers], options: {
    interaction: { mode: "nearest", intersect: false },
    scales: { x: axis("σ of the noise on [−1, 1]", { type: "linear", grace: "4%" }), y: axis(with_arrow(metric), { grace: "8%" }) },
    plugins: { legend: { display: false }, tooltip: { callbacks: { title: items => "σ " + items[0].raw.x, label: item => item.dataset.label + ": " + fixed(item.raw.y, metric.digits) } } } } });
  draw_legend("noise-legend", charts["noise-chart"]);
}

/** A legend of buttons, which keyboards reach: each hides or shows a line. */
function draw_legend(id, chart) {
  document.getElementById(id).replaceChildren(...chart.data.datasets.map((dataset, number) => {
    const button = make("button", { type: "button", "aria-pressed": "true", onclick: () => {
      chart.setDatasetVisibility(number, !chart.isDatasetVisible(number));
      button.setAttribute("aria-pressed", chart.isDatasetVisible(number));
      chart.update();
    } }, make("span", { class: "swatch", style: { background: dataset.borderColor } }), dataset.label);
    return make("li", {}, button);
  }));
}

function draw_noise() {
  const operators = noise_operators();
  const levels = Math.max(0, ...operators.map(one => one.groups.length));
  if (levels < 2 || !metrics.length) { remove_section("noise"); return; }
  noise_state.operator = operators.find(one => one.groups.length === levels).name;
  noise_state.metric = metrics[0].name;
  const set = key => value => { noise_state[key] = value; draw_noise_chart(); };
  add(body_of("noise"), make("div", { class: "controls" },
    choice("Operator", operators.map(one => [one.name, one.name]), noise_state.operator, set("operator"), "noise-operator"),
    choice("Metric", metrics.map(metric => [metric.name, metric_title(metric)]), noise_state.metric, set("metric"), "noise-metric")),
  make("div", { class: "chart" }, make("canvas", { id: "noise-chart", role: "img", "aria-label": "a metric against the noise level, a line for each method" })),
  make("ul", { class: "legend", id: "noise-legend" }));
  draw_noise_chart();
  on_theme.push(draw_noise_chart);
}
