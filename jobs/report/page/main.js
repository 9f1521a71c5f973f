"use strict";

// The page as a whole: heading, what has to be known first, theme, and the sections in their order.

function set_theme(theme) {
  document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  button.textContent = theme === "dark" ? "Light" : "Dark";
  button.setAttribute("aria-label", "switch to " + (theme === "dark" ? "light" : "dark"));
  for (const draw of on_theme) draw();
}

function listen_to_theme() {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  let is_chosen = false;
  set_theme(wish.matches ? "dark" : "light");
  wish.addEventListener("change", () => { if (!is_chosen) set_theme(wish.matches ? "dark" : "light"); });
  document.getElementById("theme").addEventListener("click", () => {
    is_chosen = true;
    set_theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  });
}

/** What a reader must know before the numbers. */
function notes() {
  const list = [];
  for (const run of data.runs) {
    const of_run = several_runs ? run.name + ": " : "";
    if (run.units_missing > 0) list.push(of_run + counted(run.units_missing, "unit") + " of " + run.units.toLocaleString("en") + " are not in these results; the same run command computes them.");
    else if (run.units_committed < run.units) list.push(of_run + "the run is not finished.");
    if (run.timeline.quarantined.length) list.push(of_run + counted(run.timeline.quarantined.length, "unit") + " given up, with the reasons under Run.");
    if (run.poisson_rate > 0) list.push(of_run + "photon noise of rate " + run.poisson_rate + " stands in place of σ.");
  }
  const restores = data.groups.some(group => !group.is_generation);
  if (restores && !metrics.some(metric => metric.name !== "residual")) list.push("There is no truth to compare with, so there are no PSNR, SSIM and LPIPS.");
  else if (restores && !has_metric("lpips")) list.push("LPIPS was not computed.");
  const nets = [...new Set(data.runs.map(run => run.lpips_net).filter(net => net !== "none"))];
  if (nets.length > 1) list.push("LPIPS of these runs is of different nets (" + nets.join(", ") + ") and must not be compared.");
  if (several_runs && new Set(data.runs.map(run => run.seed)).size > 1) list.push("These runs have different seeds: their measurements differ, and differences are between the same images measured anew.");
  const lost = data.points.reduce((sum, point) => sum + point.diverged + point.unreadable, 0);
  if (lost > 0) list.push(counted(lost, "restoration") + " diverged or could not be read; means are over the others.");
  if (data.page.points_left_out > 0) list.push("This page holds the first " + data.points.length.toLocaleString("en") + " lines of the table; " + data.page.points_left_out.toLocaleString("en") + " more are in what --csv and --json write.");
  return list;
}

function draw_heading() {
  const names = data.runs.map(run => run.name).join(", ");
  document.title = shown(names) + " · diffinv report";
  document.getElementById("title").textContent = shown(several_runs ? "Comparison of " + names : names);
  const rows = data.runs.reduce((sum, run) => sum + run.rows, 0);
  const images = Math.max(...data.runs.map(run => run.images));
  const methods = new Set(data.points.map(point => point.method)).size;
  document.getElementById("lead").textContent = [counted(methods, "method"), counted(data.groups.filter(group => !group.is_generation).length, "measurement"),
    images ? counted(images, "image") : null, counted(rows, "result") + " in all"].filter(Boolean).join(" · ");
  document.getElementById("notes").append(...notes().map(text => make("li", {}, text)));
  document.getElementById("made").textContent = shown("Made by diffinv " + data.program_version + ". Everything is in this file; it asks for nothing over a network. Charts by Chart.js 3 (MIT licence, © Chart.js contributors).");
}

function draw_navigation() {
  for (const section of document.querySelectorAll("details.section")) {
    document.getElementById("sections").append(make("a", { href: "#" + section.id, onclick: () => { section.open = true; } }, section.querySelector("h2").textContent));
    section.addEventListener("toggle", () => { if (section.open) for (const chart of Object.values(charts)) if (section.contains(chart.canvas)) chart.resize(); });
  }
}

listen_to_theme();
draw_heading();
draw_results();
draw_tradeoff();
draw_noise();
draw_distributions();
draw_images();
draw_run();
draw_provenance();
draw_navigation();
