"use strict";

// The table of results: a line for each method with its settings, grouped by what was measured.

const table_state = { column: null, is_descending: false, is_grouped: true, group: "all", interval: innerWidth >= 600, difference: innerWidth >= 600 };

const has_failures = data.points.some(point => point.diverged + point.unreadable > 0);

function table_columns() {
  const columns = [{ key: "name", title: "Method", is_text: true, value: point_title, cell: name_cell }];
  if (several_runs) columns[0] = { key: "name", title: "Method", is_text: true, value: point => point.label, cell: name_cell };
  if (several_runs) columns.push({ key: "run", title: "Run", is_text: true, value: point => data.runs[point.run].name });
  if (!table_state.is_grouped) {
    columns.push({ key: "operator", title: "Operator", is_text: true, value: point => data.groups[point.group].operator });
    columns.push({ key: "sigma", title: "σ", value: point => data.groups[point.group].sigma_y,
      text: value => is_number(value) ? String(value) : "–" });
  }
  for (const metric of metrics) {
    columns.push({ key: metric.name, title: with_arrow(metric), value: point => point.metrics[metric.name]?.mean ?? null,
      is_better_higher: metric.is_better_higher, cell: point => metric_cell(point, metric) });
  }
  columns.push({ key: "nfe", title: "NFE", value: point => point.nfe, text: value => value.toLocaleString("en") });
  columns.push({ key: "seconds", title: "s/image", value: point => point.seconds, text: seconds_text });
  columns.push({ key: "images", title: "Images", value: point => point.images, text: value => value.toLocaleString("en") });
  if (has_failures) {
    columns.push({ key: "failed", title: "Failed", value: point => point.diverged + point.unreadable, cell: failed_cell });
  }
  return columns;
}

/** A histogram of the truth's ranks among samples, as bars with a line where they would be flat. */
function rank_bars(shares) {
  if (!shares) return "–";
  const most = Math.max(...shares, 1e-9), bar = Math.min(9, 108 / shares.length), height = 22, flat = 1 / shares.length;
  const words = "ranks 0 to " + (shares.length - 1) + ": " + shares.map(share => fixed(share, 3)).join(", ");
  return make("svg", { width: bar * shares.length, height, role: "img", "aria-label": words }, make("title", {}, words),
    shares.map((share, rank) => make("rect", { x: rank * bar + .5, width: bar - 1, y: height * (1 - share / most), height: height * share / most, fill: "var(--accent)" })),
    make("line", { x1: 0, x2: bar * shares.length, y1: height * (1 - flat / most), y2: height * (1 - flat / most), stroke: "var(--ink)", "stroke-dasharray": "2 2" }));
}

/** What several samples of a measurement come to: a table of its own, where there are any. */
function posterior_table() {
  const points = data.points.filter(point => point.posterior);
  if (!points.length) return null;
  const columns = data.posterior_columns.filter(column => points.some(point => point.posterior[column.name]));
  const has_ranks = points.some(point => point.posterior.rank_histogram);
  const cell = (point, column) => {
    const numbers = point.posterior[column.name];
    const has_error = numbers && metric_of(column.name)?.has_best && is_number(numbers.standard_error);
    return make("td", { class: "number" }, numbers ? fixed(numbers.mean, column.digits) : "–",
      has_error ? make("span", { class: "error" }, " ± " + fixed(numbers.standard_error, column.digits)) : null);
  };
  return [make("h3", {}, "Several samples of a measurement"),
    make("div", { class: "scroll" }, make("table", { id: "posterior", class: "results" },
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Method"), make("th", { scope: "col" }, "Measurement"),
        columns.map(column => make("th", { scope: "col", class: "number" }, column.title)), has_ranks ? make("th", { scope: "col" }, "ranks of truth") : null)),
      make("tbody", {}, points.map(point => make("tr", {}, make("td", {}, make("span", { class: "named" }, swatch(point), make("span", {}, point_title(point)))),
        make("td", { class: "name" }, group_title(data.groups[point.group])), columns.map(column => cell(point, column)),
        has_ranks ? make("td", {}, rank_bars(point.posterior.rank_histogram)) : null))))),
    make("p", { class: "hint" }, "Metrics of the samples' mean, and their spread on [−1, 1]." + (columns.some(column => column.name.startsWith("coverage"))
      ? " Truth in 50, 90 and 95 %: the share of pixels at which it lies in the interval that the samples say holds it so often; calibrated samples have those shares." : "") + (has_ranks ? " Ranks: of so many samples below the truth, the share of pixels; flat (the line) where samples are calibrated, ends high where they are too sure." : ""))];
}

function name_cell(point) {
  const settings = Object.entries(point.settings).map(([name, value]) => name + " = " + value).join("\n");
  return make("td", { class: "name", title: shown(settings) }, make("span", { class: "named" }, swatch(point), make("span", {}, point.label)));
}

function failed_cell(point) {
  const words = [];
  if (point.diverged) words.push(point.diverged + " diverged");
  if (point.unreadable) words.push(point.unreadable + " unreadable");
  return make("td", { class: "number" + (words.length ? " failed" : "") }, words.join(", ") || "0");
}

function metric_cell(point, metric) {
  const numbers = point.metrics[metric.name];
  if (!numbers) return make("td", { class: "number" }, "–");
  const digits = metric.digits;
  const is_compared = data.groups[point.group].points.filter(one => one.metrics[metric.name]).length > 1;
  const cell = make("td", { class: "number" + (numbers.is_best && is_compared ? " best" : "") },
    make("span", { class: "value", style: { "--room": digits + 4.3 + "ch" } }, make("span", {}, fixed(numbers.mean, digits)),
      make("span", { class: "error" }, is_number(numbers.standard_error) ? "± " + fixed(numbers.standard_error, digits) : "")));
  if (table_state.interval && is_number(numbers.interval[0])) {
    cell.append(make("span", { class: "below interval" }, "[" + fixed(numbers.interval[0], digits) + ", " + fixed(numbers.interval[1], digits) + "]"));
  }
  if (table_state.difference && metric.has_best && is_compared) {
    const gap = numbers.difference;
    if (numbers.is_best) {
      cell.append(make("span", { class: "below difference word" }, "best"));
    } else if (gap && gap.images > 0) {
      const interval = is_number(gap.interval[0]) ? " [" + signed(gap.interval[0], digits) + ", " + signed(gap.interval[1], digits) + "]" : "";
      cell.append(make("span", { class: "below difference", title: "difference from the best on " + counted(gap.images, "image") +
        ", each with itself; better on " + fixed(100 * gap.share_better, 0) + " %" }, "Δ " + signed(gap.mean, digits) + interval));
    }
  }
  return cell;
}

function sorted_points(points, columns) {
  const column = columns.find(one => one.key === table_state.column);
  if (!column) return points;
  const sign = table_state.is_descending ? -1 : 1;
  return [...points].sort((a, b) => {
    const [one, other] = [column.value(a), column.value(b)];
    if (column.is_text) return sign * one.localeCompare(other, "en", { numeric: true }) || a.number - b.number;
    // What has no number stands last, either way
    if (!is_number(one) || !is_number(other)) return is_number(other) - is_number(one) || a.number - b.number;
    return sign * (one - other) || a.number - b.number;
  });
}

function sort_by(column) {
  if (table_state.column === column.key) {
    table_state.is_descending = !table_state.is_descending;
  } else {
    table_state.column = column.key;
    table_state.is_descending = column.is_better_higher === true; // The best first
  }
  draw_table();
  document.querySelector(`.results button[data-column="${column.key}"]`).focus();
}

function point_row(point, columns) {
  return make("tr", { "data-point": point.number }, columns.map(column => column.cell ? column.cell(point)
    : make("td", { class: column.is_text ? "" : "number" }, column.text ? column.text(column.value(point)) : column.value(point) ?? "–")));
}

function given_row(group, columns) {
  return make("tr", { class: "given" }, columns.map(column => {
    if (column.key === "name") return make("td", { class: "name" }, "the measurement itself");
    if (column.key !== "psnr") return make("td", {});
    return make("td", { class: "number" }, make("span", { class: "value", style: { "--room": "6.3ch" } }, make("span", {}, fixed(group.measurement.mean, 2)),
      make("span", { class: "error" }, is_number(group.measurement.standard_error) ? "± " + fixed(group.measurement.standard_error, 2) : "")));
  }));
}

function draw_table() {
  const columns = table_columns();
  const heads = columns.map(column => make("th", { class: column.is_text ? "name" : "number", scope: "col",
    "aria-sort": table_state.column === column.key ? table_state.is_descending ? "descending" : "ascending" : "none" },
  make("button", { type: "button", "data-column": column.key, onclick: () => sort_by(column) }, column.title)));
  const groups = data.groups.filter(group => table_state.group === "all" || group.number === Number(table_state.group));
  const rows = [];
  if (table_state.is_grouped) {
    for (const group of groups) {
      const sigma = group.is_generation ? "" : is_number(group.sigma_y)
        ? "σ = " + group.sigma_y + " on [−1, 1], " + short_number(group.sigma_y / 2) + " on [0, 1]" : "σ estimated";
      rows.push(make("tr", { class: "group" }, make("th", { colspan: columns.length, scope: "rowgroup" },
        make("div", {}, group.is_generation ? "generated images" : group.operator, make("span", {}, [sigma, group.dataset].filter(Boolean).join(" · "))))));
      if (group.measurement) rows.push(given_row(group, columns));
      rows.push(...sorted_points(group.points, columns).map(point => point_row(point, columns)));
    }
  } else {
    rows.push(...sorted_points(groups.flatMap(group => group.points), columns).map(point => point_row(point, columns)));
  }
  document.getElementById("table").replaceChildren(make("table", { class: "results" },
    make("thead", {}, make("tr", {}, heads)), make("tbody", {}, rows)));
}

function failures_list() {
  if (!has_failures) return null;
  const lines = data.points.filter(point => point.failures.length).map(point => make("li", {},
    point_title(point) + ", " + group_title(data.groups[point.group]) + ": ",
    point.failures.map(one => one.status + " " + (one.image || "image") + (one.sample ? " sample " + one.sample : "")).join(", "),
    point.failures.length < point.diverged + point.unreadable ? ", …" : ""));
  return make("details", { class: "more" }, make("summary", {}, "What diverged or could not be read"), make("ul", {}, lines));
}

function draw_results() {
  const redraw = key => value => { table_state[key] = value; draw_table(); };
  const groups = [["all", "all measurements"], ...data.groups.map(group => [group.number, group_title(group)])];
  add(body_of("results"), make("div", { class: "controls" },
    data.groups.length > 1 ? choice("Measurement", groups, "all", redraw("group"), "table-group") : null,
    data.groups.length > 1 ? check("grouped", true, redraw("is_grouped"), "table-grouped") : null,
    metrics.length ? check("95 % intervals", table_state.interval, redraw("interval"), "table-interval") : null,
    metrics.some(metric => metric.has_best) ? check("differences from the best", table_state.difference, redraw("difference"), "table-difference") : null),
  make("div", { class: "scroll", id: "table", tabindex: 0, role: "region", "aria-label": "table of results" }),
  make("p", { class: "hint" }, metrics.length
    ? "Mean ± standard error over images; several samples of an image are averaged first. [95 % bootstrap interval, BCa]. " +
      (metrics.some(metric => metric.has_best) ? "Δ is the difference from the best of the same measurements, image by image. Bold is best. " : "") + "A click on a heading sorts."
    : "There is no truth to measure against here: the table tells what was computed and what it cost."),
  failures_list(), posterior_table());
  draw_table();
}
