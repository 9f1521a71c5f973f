"use strict";

// What every part of the page uses. Text from a run reaches the page only as text nodes, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);

/** Characters that a reader could not see, or that would turn the text around, as ones that can be seen. */
function shown(text, has_lines = false) {
  return String(text).replace(has_lines ? /[\u0000-\u0008\u000b-\u001f]/g : /[\u0000-\u001f]/g, c => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
      c => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** An element with attributes, properties that begin with "on", and children: elements, text, or lists of them. */
function make(tag, attributes = {}, ...children) {
  const is_drawing = ["svg", "g", "rect", "line", "text", "title", "defs", "pattern", "path"].includes(tag);
  const element = is_drawing ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : document.createTextNode(shown(child, tag === "pre")));
  }
  return element;
}

const is_number = value => typeof value === "number" && Number.isFinite(value);
const minus = text => text.replace("-", "−");
const fixed = (value, digits) => is_number(value) ? minus(value.toFixed(digits)) : "–";
const signed = (value, digits) => is_number(value) ? (value > 0 ? "+" : "") + minus(value.toFixed(digits)) : "–";
const short_number = value => is_number(value) ? minus(String(Number(value.toPrecision(3)))) : "–";
/** Seconds with as many digits as the longest of them needs. */
const longest_seconds = Math.max(0, ...data.points.map(point => point.seconds ?? 0));
const seconds_text = value => fixed(value, longest_seconds < 1 ? 3 : longest_seconds < 10 ? 2 : longest_seconds < 100 ? 1 : 0);
const counted = (count, one, many = one + "s") => count.toLocaleString("en") + " " + (count === 1 ? one : many);

function duration(seconds) {
  if (!is_number(seconds)) return "–";
  if (seconds === 0) return "0 s";
  if (seconds < 1) return seconds.toFixed(2) + " s";
  if (seconds < 120) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
  if (seconds < 7200) return (seconds / 60).toFixed(seconds < 600 ? 1 : 0) + " min";
  return (seconds / 3600).toFixed(1) + " h";
}

const metric_of = name => data.metrics.find(metric => metric.name === name);
/** Metrics that some point has a number for. */
const metrics = data.metrics.filter(metric => data.points.some(point => point.metrics[metric.name]));
const has_metric = name => metrics.some(metric => metric.name === name);
const metric_title = metric => metric.title + (metric.unit ? "\u00a0" + metric.unit : "");
const with_arrow = metric => metric_title(metric) + (metric.has_best ? metric.is_better_higher ? "\u00a0↑" : "\u00a0↓" : "");
const several_runs = data.runs.length > 1;

/** Points know their own number; groups know theirs. */
data.points.forEach((point, number) => { point.number = number; });
data.groups.forEach((group, number) => {
  group.number = number;
  group.points = data.points.filter(point => point.group === number);
});

/** "box size=24 · σ 0.05" */
function group_title(group) {
  if (group.is_generation) return "generated images";
  const parts = [group.operator];
  parts.push(is_number(group.sigma_y) ? "σ " + group.sigma_y : "σ estimated");
  if (group.dataset) parts.push(group.dataset);
  return parts.join(" · ");
}

const point_title = point => point.label + (several_runs ? " · " + data.runs[point.run].name : "");

/** A colour for each method with its settings, the same everywhere on the page. */
const palette = ["#4e79a7", "#f28e2b", "#d3504f", "#4fa9a2", "#59a14f", "#c9a227", "#a86fa0", "#e8838f", "#9c755f", "#7d8790"];
const shapes = ["circle", "rectRot", "triangle", "rect", "star", "crossRot"];
const titles = [...new Set(data.points.map(point_title))];
const colour_of = point => palette[titles.indexOf(point_title(point)) % palette.length];
const shape_of = point => shapes[Math.floor(titles.indexOf(point_title(point)) / palette.length) % shapes.length];
/** Of a method whatever its settings: the colour of its first point. */
function method_colour(name) {
  const point = data.points.find(one => one.method === name);
  return point ? colour_of(point) : "var(--strong-line)";
}
const swatch = point => make("span", { class: "swatch", style: { background: colour_of(point) }, "aria-hidden": "true" });

/** A labelled choice; `options` are [value, text]. */
function choice(label, options, chosen, on_change, id) {
  const select = make("select", { id, onchange: () => on_change(select.value) },
    options.map(([value, text]) => make("option", { value, selected: String(value) === String(chosen) }, text)));
  return make("label", {}, label, select);
}

function check(label, is_on, on_change, id) {
  const box = make("input", { type: "checkbox", id, onchange: () => on_change(box.checked) });
  box.checked = is_on;
  return make("label", { class: "check" }, box, label);
}

/** Adds what is there of children to an element. */
const add = (parent, ...children) => parent.append(...children.flat(3).filter(child => child !== null && child !== undefined));

/** The same in place of what is there. */
function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, ...children);
}

const body_of = id => document.querySelector("#" + id + " > .body");

/** Takes a section out, where a run has nothing for it. */
function remove_section(id) {
  document.getElementById(id).remove();
}

/** Draws now and whenever the theme changes. */
const on_theme = [];
const ink = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
