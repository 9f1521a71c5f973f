"use strict";

// Mouse, touch and keys of the image browser.

function place_in(view, event) {
  const box = view.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

/** Dragging pans all views together; a double click and a pinch or ctrl and wheel zoom at the pointer. */
function listen_to_views(browser) {
  let drag = null;
  browser.addEventListener("pointerdown", event => {
    const view = event.target.closest(".view");
    if (!view || event.target.closest(".divider") || look.zoom === 1 || event.button !== 0) return;
    drag = { view, at: place_in(view, event), pan: [look.pan_x, look.pan_y], has_moved: false };
  });
  addEventListener("pointermove", event => {
    if (!drag) return;
    const [x, y] = place_in(drag.view, event);
    if (Math.hypot(x - drag.at[0], y - drag.at[1]) > 0.01) drag.has_moved = true;
    set_zoom(look.zoom, drag.pan[0] + x - drag.at[0], drag.pan[1] + y - drag.at[1]);
  });
  addEventListener("pointerup", () => {
    const panel = drag?.view.closest(".panel");
    if (panel) panel.was_dragged = drag.has_moved;
    drag = null;
  });
  browser.addEventListener("dblclick", event => {
    const view = event.target.closest(".view");
    if (view && !event.target.closest(".divider")) zoom_by(event.shiftKey ? 0.5 : 2, ...place_in(view, event));
  });
  browser.addEventListener("wheel", event => {
    const view = event.target.closest(".view");
    if (!view || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    zoom_by(Math.exp(-event.deltaY / 300), ...place_in(view, event));
  }, { passive: false });
}

function listen_to_divider() {
  const handle = document.getElementById("divider"), stage = document.getElementById("stage");
  handle.addEventListener("pointerdown", event => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", event => {
    if (handle.hasPointerCapture(event.pointerId)) set_divider(100 * place_in(stage, event)[0]);
  });
  handle.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    const end = { Home: 0, End: 100 }[event.key];
    if (step === undefined && end === undefined) return;
    event.preventDefault();
    set_divider(end ?? look.divider + step);
  });
}

function pan_by(x, y) {
  set_zoom(look.zoom, look.pan_x + x, look.pan_y + y);
}

function step_method(by) {
  const keys = looks().map(one => one.key);
  look.right = keys[(keys.indexOf(look.right) + by + keys.length) % keys.length];
  fill_browser();
}

function step_group(by) {
  const groups = browsable_groups().map(group => group.number);
  choose_group(groups[(groups.indexOf(look.group) + by + groups.length) % groups.length]);
}

const keys = [
  [["j", "k"], "next, previous image", key => document.getElementById(key === "j" ? "look-next" : "look-previous")?.click()],
  [["m", "M"], "next, previous method on the right", key => step_method(key === "m" ? 1 : -1)],
  [["g", "G"], "next, previous measurement", key => step_group(key === "g" ? 1 : -1)],
  [["t"], "truth on the left, or the measurement again", () => pick(look.left === "truth" ? "measurement" : "truth", true)],
  [["e"], "error maps", () => document.getElementById("look-error")?.click()],
  [["[", "]"], "move the divider", key => set_divider(look.divider + (key === "[" ? -5 : 5))],
  [["+", "-", "0"], "zoom in, out, whole image", key => key === "0" ? set_zoom(1, 0, 0) : zoom_by(key === "+" ? 1.5 : 1 / 1.5)],
  [["W", "A", "S", "D"], "move what is zoomed up, left, down, right", key => pan_by(...{ W: [0, .15], A: [.15, 0], S: [0, -.15], D: [-.15, 0] }[key])],
  [["d"], "dark or light", () => document.getElementById("theme").click()],
];

let are_keys_on = true;

function listen_to_keys() {
  document.addEventListener("keydown", event => {
    if (!are_keys_on || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, textarea")) return;
    const known = keys.find(([names]) => names.includes(event.key));
    if (!known || (!document.getElementById("browser") && event.key !== "d")) return;
    event.preventDefault();
    known[2](event.key);
  });
}

const keys_list = () => make("details", { class: "more", id: "keys" }, make("summary", {}, "Keys"),
  check("keys of single letters work", true, value => { are_keys_on = value; }, "keys-on"),
  make("ul", { class: "keys" }, keys.map(([names, what]) => make("li", {}, make("span", {}, names.map(name => [make("kbd", {}, name), " "])), make("span", {}, what))),
    make("li", {}, make("span", {}, make("kbd", {}, "Tab")), make("span", {}, "to everything: on the divider arrows, Page Up, Page Down, Home and End move it; on a picture Enter puts it right, Shift and Enter left")),
    make("li", {}, make("span", {}, "mouse"), make("span", {}, "double click or Ctrl and wheel zooms at the pointer, with Shift out; dragging moves what is zoomed"))));

function draw_images() {
  const groups = browsable_groups();
  if (!groups.length) { remove_section("images"); listen_to_keys(); return; }
  look.group = groups.some(group => group.number === default_group()) ? default_group() : groups[0].number;
  const page = data.page.images;
  const hints = [];
  if (page.images_shown < page.images) hints.push("So that the page stays small it holds " + counted(page.images_shown, "image") + " of " + page.images.toLocaleString("en") + ": the first of a fixed order that spreads over the dataset.");
  if (page.points_shown < page.points) hints.push("Pictures are of the first " + page.points_shown + " of " + page.points + " methods and measurements.");
  if (page.averaged > 1) hints.push("Pictures are averaged over " + page.averaged + " × " + page.averaged + " pixels; the numbers are of the whole images.");
  add(body_of("images"), make("div", { class: "controls", id: "look-controls" }),
    make("p", { class: "hint", id: "look-note", "aria-live": "polite" }),
    make("div", { class: "browser", id: "browser" },
      make("div", { class: "stagebox" },
        make("div", { class: "view", id: "stage" }, Object.assign(layer(), { id: "stage-left" }), Object.assign(layer("over"), { id: "stage-right" }),
          make("span", { class: "tag left" }), make("span", { class: "tag right" }),
          make("div", { class: "divider", id: "divider", role: "slider", tabindex: 0, "aria-label": "divider between the two pictures", "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" })),
        make("div", { class: "stagefoot" }, make("p", { class: "hint", id: "stage-name" }),
          make("div", { class: "group", role: "group", "aria-label": "zoom" },
            make("button", { type: "button", id: "zoom-out", "aria-label": "zoom out", onclick: () => zoom_by(1 / 1.5) }, "−"),
            make("button", { type: "button", id: "zoom-in", "aria-label": "zoom in", onclick: () => zoom_by(1.5) }, "+"),
            make("button", { type: "button", id: "zoom-reset", "aria-label": "whole image", onclick: () => set_zoom(1, 0, 0) }, "Fit"))),
        make("div", { class: "scalebar", id: "look-scale", hidden: true }, make("i", { style: { background: heat_gradient } }), make("span", { id: "look-scale-text" }))),
      make("div", { class: "panels", id: "panels" })),
    keys_list(),
    hints.length ? make("p", { class: "hint" }, hints.join(" ")) : null);
  set_zoom(1, 0, 0);
  fill_browser();
  listen_to_views(browser_of());
  listen_to_divider();
  listen_to_keys();
}
