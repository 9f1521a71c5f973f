"use strict";

// Pictures out of the page's store, and what is painted of them: themselves, or maps of error and of spread.

const picture_cache = new Map();

/** The decoded picture; a promise. */
function picture(number) {
  if (!picture_cache.has(number)) {
    const image = new Image();
    image.src = "data:image/png;base64," + data.page.images.pictures[number];
    if (picture_cache.size > 400) picture_cache.delete(picture_cache.keys().next().value);
    picture_cache.set(number, image.decode().then(() => image));
  }
  return picture_cache.get(number);
}

/** Black over purple and orange to pale yellow. */
const heat_stops = [[0, 0, 4], [66, 10, 104], [147, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
function heat(share) {
  const place = Math.min(Math.max(share, 0), 1) * (heat_stops.length - 1), below = Math.min(Math.floor(place), heat_stops.length - 2);
  return heat_stops[below].map((value, i) => value + (place - below) * (heat_stops[below + 1][i] - value));
}
const heat_gradient = "linear-gradient(90deg, " + heat_stops.map(stop => `rgb(${stop})`).join(", ") + ")";

function pixels_of(image) {
  const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Paints |x − truth|, its mean over channels on [0, 1], as heat that ends at `top`. */
function paint_error(canvas, image, truth, top) {
  const [one, other] = [pixels_of(image), pixels_of(truth)];
  const painted = new ImageData(one.width, one.height);
  for (let i = 0; i < one.data.length; i += 4) {
    const error = (Math.abs(one.data[i] - other.data[i]) + Math.abs(one.data[i + 1] - other.data[i + 1]) + Math.abs(one.data[i + 2] - other.data[i + 2])) / 765;
    painted.data.set([...heat(error / top), 255], i);
  }
  canvas.width = one.width;
  canvas.height = one.height;
  canvas.getContext("2d").putImageData(painted, 0, 0);
}

/** Paints a grey picture, whose white stands for `white`, as heat that ends at `top`. */
function paint_spread(canvas, image, white, top) {
  const one = pixels_of(image);
  for (let i = 0; i < one.data.length; i += 4) one.data.set([...heat(one.data[i] / 255 * white / top), 255], i);
  canvas.width = one.width;
  canvas.height = one.height;
  canvas.getContext("2d").putImageData(one, 0, 0);
}

function paint_image(canvas, image) {
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  canvas.getContext("2d").drawImage(image, 0, 0);
}
