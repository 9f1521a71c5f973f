"use strict";

// The run itself: who did what when, how fast, what it cost; and where it came from.

/** Times when nobody did anything are cut to a twentieth of the rest; returns a map of seconds to places. */
function compressed_time(spans) {
  const sorted = spans.map(span => [span.begin, span.end]).sort((a, b) => a[0] - b[0]);
  const busy = [];
  for (const [begin, end] of sorted) {
    if (busy.length && begin <= busy.at(-1)[1]) busy.at(-1)[1] = Math.max(busy.at(-1)[1], end);
    else busy.push([begin, end]);
  }
  const total = busy.reduce((sum, [begin, end]) => sum + end - begin, 0) || 1;
  const pieces = [], pauses = [];
  let place = 0, before = null;
  for (const [begin, end] of busy) {
    if (before !== null) {
      const gap = begin - before, kept = Math.min(gap, total / 20);
      if (kept < gap) pauses.push({ place: place + kept / 2, seconds: gap });
      pieces.push([before, begin, place, place + kept]);
      place += kept;
    }
    pieces.push([begin, end, place, place + end - begin]);
    place += end - begin;
    before = end;
  }
  const at = time => {
    for (const [from, to, low, high] of pieces) {
      if (time <= to) return to > from ? low + Math.max(0, (time - from) / (to - from)) * (high - low) : low;
    }
    return place;
  };
  return { at, total: place || 1, busy: total, pauses };
}

const configuration_of = (run, unit) => run.configurations.find(one => unit >= one.first_unit && unit < one.first_unit + one.units);

const span_words = { committed: "finished", failed: "failed", died: "worker died", released: "given back", open: "not finished" };

function span_title(run, span) {
  const of = configuration_of(run, span.unit);
  return [span.units > 1 ? counted(span.units, "unit") + " from " + span.unit : "unit " + span.unit,
    of ? of.method + (of.operator === "none" ? "" : " on " + of.operator) + (is_number(of.sigma_y) && of.operator !== "none" ? ", σ " + of.sigma_y : "") : null,
    span_words[span.kind] ?? span.kind, span.attempt > 1 ? "attempt " + span.attempt : null, duration(span.end - span.begin), span.reason].filter(Boolean).join(" · ");
}

const worker_title = worker => (worker.journal === "journal.jsonl" ? "rank " + worker.rank : worker.journal.replace(/^journal-|\.jsonl$/g, "")) + (worker.host ? " · " + worker.host : "");

function gantt(run, width) {
  const { workers, spans } = run.timeline;
  const time = compressed_time(spans);
  const is_narrow = width < 620, left = is_narrow ? 0 : 150, row = is_narrow ? 38 : 26, bar = 18, bottom = 26;
  const height = workers.length * row + bottom;
  const x = seconds => left + time.at(seconds) / time.total * (width - left - 8);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "group", "aria-label": "workers over time" },
    make("defs", {}, make("pattern", { id: "dead", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      make("rect", { width: 6, height: 6, fill: "var(--bad)" }), make("rect", { width: 2.5, height: 6, fill: "var(--paper)" }))));
  const tip = make("p", { class: "tip", "aria-live": "polite" }, spans.length ? "Point at a bar, or Tab to the first and move with the arrow keys." : "");
  workers.forEach((worker, number) => {
    const y = number * row;
    svg.append(make("line", { class: "rule", x1: 0, x2: width, y1: y + row, y2: y + row }),
      make("text", is_narrow ? { x: 0, y: y + 13 } : { x: 0, y: y + row / 2 + 4 }, clipped(worker_title(worker), is_narrow ? 60 : 22), make("title", {}, worker_title(worker) + " · " + worker.device)));
  });
  spans.forEach((span, number) => {
    const top = span.worker * row + row - bar - 4, from = x(span.begin), wide = Math.max(1, x(span.end) - from);
    const of = configuration_of(run, span.unit), title = span_title(run, span);
    const box = make("rect", { class: "span " + span.kind, x: from, y: top, width: wide, height: bar, tabindex: number === 0 ? 0 : -1, role: "img", "aria-label": shown(title),
      fill: span.kind !== "committed" ? null : of ? method_colour(of.method) : "var(--strong-line)" }, make("title", {}, title));
    svg.append(box);
    if (span.attempt > 1) svg.append(make("rect", { class: "retried", x: from + .8, y: top + .8, width: Math.max(1, wide - 1.6), height: bar - 1.6 }));
  });
  for (const pause of time.pauses) {
    const at = left + pause.place / time.total * (width - left - 8);
    svg.append(make("line", { class: "pause", x1: at, x2: at, y1: 0, y2: height - bottom }, make("title", {}, "nothing for " + duration(pause.seconds))));
  }
  for (const share of is_narrow ? [0, .5, 1] : [0, .25, .5, .75, 1]) {
    svg.append(make("text", { x: left + share * (width - left - 8), y: height - 7, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" }, duration(share * time.total)));
  }
  const boxes = [...svg.querySelectorAll(".span")];
  const tell = event => { const box = event.target.closest?.(".span"); if (box) tip.textContent = box.getAttribute("aria-label"); };
  svg.addEventListener("pointerover", tell);
  svg.addEventListener("focusin", tell);
  svg.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const at = boxes.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    boxes[Math.min(boxes.length - 1, Math.max(0, at + step))].focus();
  });
  return { parts: [make("div", { class: "gantt" }, svg), tip], time };
}

const clipped = (text, length) => text.length > length ? text.slice(0, length - 1) + "…" : text;

function gantt_legend(run) {
  const methods = [...new Set(run.configurations.map(one => one.method))];
  const kinds = new Set(run.timeline.spans.map(span => span.kind));
  const item = (background, text, more = {}) => make("li", {}, make("span", { class: "swatch", style: { background, ...more } }), text);
  return make("ul", { class: "legend" }, methods.map(name => item(method_colour(name), name)),
    kinds.has("failed") ? item("var(--bad)", "failed") : null,
    kinds.has("died") ? item("repeating-linear-gradient(45deg, var(--bad) 0 3px, var(--paper) 3px 5px)", "worker died") : null,
    kinds.has("released") || kinds.has("open") ? item("var(--strong-line)", "given back or not finished") : null,
    run.timeline.spans.some(span => span.attempt > 1) ? item("transparent", "framed: another attempt", { outline: "1.6px solid var(--ink)", "outline-offset": "-1px" }) : null);
}

/** Units finished over time, as a line. */
function draw_progress(run, time) {
  const ends = run.timeline.spans.filter(span => span.kind === "committed").map(span => [time.at(span.end), span.units ?? 1]).sort((a, b) => a[0] - b[0]);
  let sum = 0;
  const points = [{ x: 0, y: 0 }, ...ends.map(([x, units]) => ({ x, y: sum += units }))];
  draw_chart("progress-chart", { type: "line", data: { datasets: [{ label: "units finished", data: points, borderColor: ink("accent"), backgroundColor: ink("accent"), borderWidth: 2, pointRadius: 0, stepped: points.length < 200 }] }, options: {
    scales: { x: axis("time at work", { type: "linear", min: 0, max: time.total, ticks: { maxTicksLimit: 7, maxRotation: 0, callback: value => duration(value) } }), y: axis("units finished", { min: 0 }) },
    plugins: { legend: { display: false } } } });
}

function cost_table(run, number) {
  const by_method = new Map();
  for (const point of data.points.filter(point => point.run === number)) {
    const sum = by_method.get(point.method) ?? { rows: 0, seconds: 0, calls: 0 };
    const rows = point.rows + point.diverged;
    sum.rows += rows;
    sum.seconds += point.seconds_total ?? 0;
    sum.calls += point.nfe * rows;
    by_method.set(point.method, sum);
  }
  const total = [...by_method.values()].reduce((sum, one) => sum + one.seconds, 0);
  return make("div", { class: "scroll" }, make("table", { id: "costs" },
    make("thead", {}, make("tr", {}, ["Method", "Images", "NFE/image", "s/image", "Images/h", "Time", "Share"].map((title, i) => make("th", { class: i ? "number" : "", scope: "col" }, title)))),
    make("tbody", {}, [...by_method].map(([name, sum]) => make("tr", {}, make("td", {}, make("span", { class: "named" }, make("span", { class: "swatch", style: { background: method_colour(name) } }), make("span", {}, name))),
      make("td", { class: "number" }, sum.rows.toLocaleString("en")), make("td", { class: "number" }, short_number(sum.calls / sum.rows)),
      make("td", { class: "number" }, sum.seconds ? seconds_text(sum.seconds / sum.rows) : "–"), make("td", { class: "number" }, sum.seconds ? Math.round(3600 * sum.rows / sum.seconds).toLocaleString("en") : "–"),
      make("td", { class: "number" }, sum.seconds ? duration(sum.seconds) : "–"),
      make("td", { class: "number" }, make("span", { class: "meter", "aria-hidden": "true" }, make("i", { style: { width: (total ? 100 * sum.seconds / total : 0) + "%", background: method_colour(name) } })), make("span", { class: "share" }, total ? Math.round(100 * sum.seconds / total) + " %" : "–")))))));
}

function figure(value, what) {
  return make("div", {}, make("b", {}, value), make("span", {}, what));
}

const run_state = { run: 0 };

function draw_run_parts() {
  const run = data.runs[run_state.run], timeline = run.timeline;
  const box = document.getElementById("run-parts");
  const { parts, time } = gantt(run, Math.max(300, box.clientWidth));
  const begin = timeline.begin > 0 ? new Date(1000 * timeline.begin).toISOString().slice(0, 16).replace("T", " ") + " UTC" : null;
  const busy = timeline.spans.reduce((sum, span) => sum + span.end - span.begin, 0);
  const finished = timeline.spans.filter(span => span.kind === "committed").reduce((sum, span) => sum + (span.units ?? 1), 0);
  fill(box,
    make("div", { class: "figures" }, figure(run.units_committed.toLocaleString("en") + " / " + run.units.toLocaleString("en"), "units finished"),
      timeline.spans.length ? figure(duration(time.busy), "at work" + (begin ? ", since " + begin : "")) : null,
      timeline.workers.length ? figure(timeline.workers.length.toLocaleString("en"), timeline.workers.length === 1 ? "worker" : "workers") : null,
      timeline.spans.length ? figure(short_number(3600 * finished / time.busy), "units an hour") : null,
      timeline.spans.length && timeline.workers.length ? figure(Math.round(100 * Math.min(1, busy / (time.busy * timeline.workers.length))) + " %", "of the workers' time busy") : null,
      timeline.lost_attempts ? figure(counted(timeline.lost_attempts, "attempt"), "lost, " + duration(timeline.lost_seconds)) : null),
    ...(timeline.spans.length ? [make("h3", {}, "Workers over time"), ...parts, gantt_legend(run),
      timeline.is_coarse ? make("p", { class: "hint" }, "There are so many units that neighbours were joined; failures stand alone.") : null,
      make("h3", {}, "Progress"), make("div", { class: "chart", style: { height: "240px" } }, make("canvas", { id: "progress-chart", role: "img", "aria-label": "units finished over time" }))]
      : [make("p", { class: "hint" }, "The journal of this run tells of no work.")]),
    make("h3", {}, "What it cost"), cost_table(run, run_state.run),
    ...(timeline.quarantined.length ? [make("details", { class: "more" }, make("summary", {}, counted(timeline.quarantined.length, "unit") + " given up"),
      make("ul", {}, timeline.quarantined.map(one => make("li", {}, "unit " + one.unit + ": " + one.reason))))] : []));
  if (timeline.spans.length) draw_progress(run, time);
}

function draw_run() {
  if (several_runs) add(body_of("run"), make("div", { class: "controls" }, choice("Run", data.runs.map((run, i) => [i, run.name]), 0, value => { run_state.run = Number(value); draw_run_parts(); }, "run-choice")));
  add(body_of("run"), make("div", { id: "run-parts" }));
  draw_run_parts();
  on_theme.push(draw_run_parts);
  let width = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== width && document.getElementById("run").open) { width = innerWidth; draw_run_parts(); } });
}

/** Text with a button that copies it. */
function code(text, id, ...more) {
  const block = make("pre", { id, tabindex: 0 }, text);
  const button = make("button", { type: "button", onclick: async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(block);
      button.textContent = "selected: press Ctrl C";
    }
  } }, "Copy");
  return make("div", {}, block, make("div", { class: "group" }, button, more));
}

function save_button(name, text) {
  return make("button", { type: "button", onclick: () => {
    const link = make("a", { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/plain" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } }, "Save as " + name);
}

function draw_provenance() {
  for (const [number, run] of data.runs.entries()) {
    const facts = [["folder", run.folder], ["dataset folder or file", run.dataset || "none"], ["model folder or file", run.model], ["images", run.image_shape[2] + " × " + run.image_shape[1] + " pixels, " + counted(run.image_shape[0], "channel")],
      ["device asked for", run.device], ...Object.entries(run.attributes).filter(([, value]) => value !== "")];
    add(body_of("provenance"), several_runs ? make("h3", {}, run.name) : null,
      make("table", { class: "facts" }, make("tbody", {}, facts.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name.replaceAll("_", " ")), make("td", {}, value))))),
      make("h3", {}, "To run it again"), make("p", { class: "hint" }, "Save the job as job.ini; files of masks and kernels that it names are looked for beside it. The same plan digest promises the same results."),
      code(run.command, "command-" + number),
      make("h3", {}, "Job"), code(run.job, "job-" + number, save_button("job.ini", run.job)));
  }
}
