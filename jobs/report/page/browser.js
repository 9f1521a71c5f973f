"use strict";

// The image browser: two pictures under a divider, and beside them every method; one zoom moves all.

const look = { group: 0, image: 0, left: "measurement", right: null, sample: 0, is_error: false, top: 0.25, zoom: 1, pan_x: 0, pan_y: 0, divider: 50 };

const entries = () => data.page.images.groups[look.group];
const entry = () => entries()[look.image];
const cells_of = point => entry().cells.filter(cell => cell.point === point);
const cell_of = point => cells_of(point).find(cell => cell.sample === look.sample) ?? cells_of(point)[0];

/** Every generated image, whatever the image that is chosen. */
function generated_looks() {
  return entries().flatMap(one => one.cells.map(cell => ({ key: "point-" + cell.point + "-" + one.number, point: cell.point,
    title: point_title(data.points[cell.point]) + " " + one.number, picture: cell.picture, why: cell.status, cell })));
}

/** What can be shown of the image: each with its key, title, picture and numbers. */
function looks() {
  if (data.groups[look.group].is_generation) return generated_looks();
  const one = entry(), list = [];
  if (one.truth >= 0) list.push({ key: "truth", title: "truth", picture: one.truth });
  if (one.measurement >= 0 || one.truth >= 0) list.push({ key: "measurement", title: "measurement", picture: one.measurement, why: "of another shape than the image" });
  for (const point of new Set(one.cells.map(cell => cell.point))) {
    const cell = cell_of(point), title = point_title(data.points[point]);
    list.push({ key: "point-" + point, title, picture: cell.picture, why: cell.status, cell, point });
    const posterior = cells_of(point).find(other => other.mean >= 0);
    if (posterior) {
      list.push({ key: "mean-" + point, title: title + " · mean", picture: posterior.mean, cell: posterior.posterior, point, is_mean: true });
      list.push({ key: "std-" + point, title: title + " · standard deviation", picture: posterior.std, white: posterior.std_white, is_spread: true, point });
    }
  }
  return list;
}

const browser_of = () => document.getElementById("browser");

/** Paints one look into a layer; a later call for the same layer wins. */
async function paint(layer, one) {
  const turn = layer.turn = (layer.turn ?? 0) + 1;
  const canvas = layer.querySelector("canvas"), absent = layer.querySelector(".absent");
  const truth_number = entry().truth;
  const is_map = look.is_error && one && !one.is_spread && one.key !== "truth" && truth_number >= 0;
  const is_there = one && one.picture >= 0;
  canvas.hidden = !is_there;
  absent.hidden = is_there;
  absent.textContent = is_there ? "" : one?.why ?? "missing";
  layer.dataset.shows = one ? (is_map ? "error of " : "") + one.key : "";
  layer.dataset.picture = is_there ? one.picture : "";
  if (!is_there) return;
  const [image, truth] = await Promise.all([picture(one.picture), is_map ? picture(truth_number) : null]);
  if (layer.turn !== turn) return;
  if (is_map) paint_error(canvas, image, truth, look.top);
  else if (one.is_spread) paint_spread(canvas, image, one.white, look.top);
  else paint_image(canvas, image);
}

const layer = (kind = "") => make("div", { class: "layer " + kind }, make("canvas"), make("div", { class: "absent", hidden: true }));

function numbers_line(one, best) {
  if (!one.cell) return null;
  const words = [];
  const tell = (name, digits, unit) => { if (is_number(one.cell[name])) words.push(make("span", { class: best[name] === one.key ? "best" : "" }, fixed(one.cell[name], digits) + unit)); };
  tell("psnr", 2, " dB");
  tell("lpips", 3, " LPIPS");
  if (!is_number(one.cell.lpips)) tell("ssim", 3, " SSIM");
  if (!words.length) tell("residual", 2, " residual");
  return words;
}

/** The keys of the looks with the best numbers of this image. */
function best_looks(list) {
  const best = {};
  for (const [name, sign] of [["psnr", 1], ["ssim", 1], ["lpips", -1]]) {
    let highest = -Infinity;
    for (const one of list) {
      if (!is_number(one.cell?.[name]) || sign * one.cell[name] <= highest) continue;
      highest = sign * one.cell[name];
      best[name] = one.key;
    }
  }
  return best;
}

function fill_browser() {
  const list = looks();
  const keys = list.map(one => one.key);
  if (!keys.includes(look.right)) look.right = keys.findLast(key => key.startsWith("point-")) ?? keys.at(-1);
  if (!keys.includes(look.left)) look.left = keys[0];
  const names = list.map(one => [one.key, one.title]);
  const samples = Math.max(1, ...entry().cells.map(cell => cell.sample + 1));
  const is_generated = data.groups[look.group].is_generation;
  const step = by => { look.image = (look.image + by + entries().length) % entries().length; fill_browser(); };
  const set = key => value => { look[key] = value; fill_browser(); };
  const focused = document.activeElement?.id;
  fill(document.getElementById("look-controls"),
    choice("Measurement", browsable_groups().map(group => [group.number, group_title(group)]), look.group, value => choose_group(Number(value)), "look-group"),
    is_generated ? null : make("div", { class: "group" },
      choice("Image", entries().map((one, i) => [i, one.name || "image " + one.number]), look.image, value => { look.image = Number(value); fill_browser(); }, "look-image"),
      make("button", { type: "button", id: "look-previous", "aria-label": "previous image", onclick: () => step(-1) }, "‹"),
      make("button", { type: "button", id: "look-next", "aria-label": "next image", onclick: () => step(1) }, "›")),
    choice("Left", names, look.left, set("left"), "look-left"),
    choice("Right", names, look.right, set("right"), "look-right"),
    !is_generated && samples > 1 ? choice("Sample", [...Array(samples).keys()].map(i => [i, String(i)]), Math.min(look.sample, samples - 1), value => { look.sample = Number(value); fill_browser(); }, "look-sample") : null,
    entry().truth >= 0 ? make("button", { type: "button", id: "look-error", "aria-pressed": String(look.is_error), onclick: () => { look.is_error = !look.is_error; fill_browser(); } }, "Error maps") : null,
    look.is_error || list.some(one => one.is_spread) ? choice("Colours end at", [0.05, 0.1, 0.25, 0.5, 1].map(value => [value, String(value)]), look.top, value => { look.top = Number(value); fill_browser(); }, "look-top") : null);
  if (focused) document.getElementById(focused)?.focus();
  fill_stage(list);
  fill_panels(list);
  const shows_maps = look.is_error || list.some(one => one.is_spread);
  document.getElementById("look-scale").hidden = !shows_maps;
  document.getElementById("look-scale-text").textContent = "0 to " + look.top + (look.is_error ? ": |x − truth| of a pixel on [0, 1], mean over channels" : " on [0, 1]: standard deviation of the samples");
}

function fill_stage(list) {
  const [left, right] = [look.left, look.right].map(key => list.find(one => one.key === key));
  shape_view(document.getElementById("stage"));
  paint(document.getElementById("stage-left"), left);
  paint(document.getElementById("stage-right"), right);
  document.querySelector("#stage .tag.left").textContent = shown(left?.title ?? "");
  document.querySelector("#stage .tag.right").textContent = shown(right?.title ?? "");
  document.getElementById("stage-name").textContent = shown(entry().name || entries().length + " generated images");
  set_divider(look.divider);
}

function fill_panels(list) {
  const best = best_looks(list);
  const panels = document.getElementById("panels");
  const old = new Map([...panels.children].map(panel => [panel.dataset.key, panel]));
  panels.replaceChildren(...list.map(one => {
    const panel = old.get(one.key) ?? make("figure", { class: "panel", "data-key": one.key, tabindex: 0, role: "button",
      onclick: event => { if (!panel.was_dragged) pick(one.key, event.shiftKey); panel.was_dragged = false; },
      onkeydown: event => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(one.key, event.shiftKey); } } },
    make("div", { class: "view" }, layer()), make("figcaption"));
    panel.setAttribute("aria-pressed", one.key === look.right);
    panel.setAttribute("aria-label", shown(one.title));
    panel.querySelector("figcaption").replaceChildren(shown(one.title), ...(numbers_line(one, best) ?? []));
    shape_view(panel.querySelector(".view"));
    paint(panel.querySelector(".layer"), one);
    return panel;
  }));
}

function pick(key, is_left) {
  look[is_left ? "left" : "right"] = key;
  fill_browser();
}

/** Views have the image's shape. */
function shape_view(view) {
  view.style.aspectRatio = entry().width + " / " + entry().height;
}

const browsable_groups = () => data.groups.filter(group => data.page.images.groups[group.number]?.length);

function choose_group(group) {
  const number = entry().number, point = looks().find(one => one.key === look.right)?.point;
  const method = point === undefined ? null : point_title(data.points[point]);
  look.group = group;
  look.image = Math.max(0, entries().findIndex(one => one.number === number));
  const same = data.groups[group].points.find(point => point_title(point) === method);
  if (same) look.right = "point-" + same.number;
  fill_browser();
}

/** Brings an image and a method up, from another part of the page. */
function show_in_browser(group, number, point) {
  const place = data.page.images.groups[group]?.findIndex(one => one.number === number) ?? -1;
  const note = document.getElementById("look-note");
  if (place < 0) {
    if (note) note.textContent = "Image " + number + " is not among those that this page holds.";
    return;
  }
  note.textContent = "";
  look.group = group;
  look.image = place;
  look.right = "point-" + point;
  fill_browser();
  document.getElementById("images").open = true;
  document.getElementById("images").scrollIntoView();
}

function set_divider(percent) {
  look.divider = Math.min(100, Math.max(0, percent));
  const stage = document.getElementById("stage");
  stage.style.setProperty("--divider", look.divider + "%");
  const handle = document.getElementById("divider");
  handle.setAttribute("aria-valuenow", Math.round(look.divider));
  handle.setAttribute("aria-valuetext", Math.round(look.divider) + " % left picture");
}

function set_zoom(zoom, pan_x, pan_y) {
  look.zoom = Math.min(32, Math.max(1, zoom));
  const most = look.zoom - 1;
  look.pan_x = Math.min(0, Math.max(-most, pan_x));
  look.pan_y = Math.min(0, Math.max(-most, pan_y));
  const style = browser_of().style;
  style.setProperty("--zoom", look.zoom);
  style.setProperty("--pan-x", look.pan_x);
  style.setProperty("--pan-y", look.pan_y);
  browser_of().classList.toggle("zoomed", look.zoom > 1);
}

/** Zooms and keeps the place (x, y), in shares of the view, where it is. */
function zoom_by(factor, x = 0.5, y = 0.5) {
  const zoom = Math.min(32, Math.max(1, look.zoom * factor)), ratio = zoom / look.zoom;
  set_zoom(zoom, x - (x - look.pan_x) * ratio, y - (y - look.pan_y) * ratio);
}
