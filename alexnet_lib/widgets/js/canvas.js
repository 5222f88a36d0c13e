// Drawing: sharp at any zoom, in the theme's colors.

// Three significant digits, at most six decimals; wording.py writes the same.
function number(given) {
  // Sums in another order differ in their last digits, which would decide a tie.
  const value = Number((given || 0).toPrecision(12));
  const size = Math.abs(value);
  let decimals = 0;
  while (decimals < 6 && size !== 0 && size * 10 ** decimals < 100) decimals += 1;
  return value.toFixed(decimals);
}

// "1 channel", "5 channels"; the unit is a plural that ends in s.
function counted(value, unit) {
  return `${value} ${value === 1 ? unit.replace(/s$/, "") : unit}`;
}

// T. Ettinger's generator mulberry32, the same in dropout.py: numbers from 0 up to 1.
function uniform(seed, count) {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  });
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

// The array that packed.py stored, as Float32Array.
async function unpack({ data, scale }) {
  const stream = new Blob([bytesOf(data)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const levels = new Int8Array(await new Response(stream).arrayBuffer());
  return Float32Array.from(levels, (level) => level * scale);
}

// The photograph asset, ready for ctx.drawImage; null where a figure has none.
async function decodePhoto(photo) {
  return photo.jpeg ? createImageBitmap(new Blob([bytesOf(photo.jpeg)], { type: "image/jpeg" })) : null;
}

const NAMES = ["ink", "quiet", "ground", "panel", "line", "plus", "minus", "mark"];
function palette(host) {
  const style = getComputedStyle(host);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

const scratch = document.createElement("canvas");
function rgb(color) {
  const ctx = scratch.getContext("2d");
  ctx.fillStyle = color; // reads back as #rrggbb, whatever the theme wrote
  return [1, 3, 5].map((i) => parseInt(ctx.fillStyle.slice(i, i + 2), 16));
}

// A figure with one canvas. `columns` of 12 (`narrow` on a phone); `aspect` is width / height.
// onpick(x, y) gets the position of a click as fractions of the canvas; with `drag` also while dragging.
// read(x, y) says in a few words what is under the mouse; "" for nothing.
function picture(parent, { caption, columns = 12, narrow = 12, aspect = 2, onpick = null, drag = false, read = null }) {
  const canvas = node("canvas", { role: "img", style: `--aspect: ${aspect}` });
  const words = node("span", {}, caption), under = node("output", { class: "under", "aria-hidden": "true" });
  const frame = node("figure", { style: `--columns: ${columns}; --narrow: ${narrow}` }, canvas,
    node("figcaption", {}, words, under));
  parent.append(frame);
  if (read) {
    canvas.addEventListener("pointermove", (event) => {
      const { width, height } = canvas.getBoundingClientRect();
      under.textContent = event.pointerType === "mouse" ? read(event.offsetX / width, event.offsetY / height) : "";
    });
    canvas.addEventListener("pointerleave", () => { under.textContent = ""; });
  }
  if (onpick) {
    canvas.classList.add(...(drag ? ["handle", "drag"] : ["handle"]));
    const pick = (event) => {
      const box = canvas.getBoundingClientRect();
      const inside = (at, from, size) => Math.min(0.999999, Math.max(0, (at - from) / size));
      onpick(inside(event.clientX, box.left, box.width), inside(event.clientY, box.top, box.height));
    };
    canvas.addEventListener(drag ? "pointerdown" : "click", (event) => {
      if (drag) canvas.setPointerCapture(event.pointerId);
      pick(event);
    });
    if (drag) canvas.addEventListener("pointermove", (event) => { if (event.buttons) pick(event); });
  }
  // draw(ctx, width, height) works in CSS pixels; `label` is what a screen reader says of the picture.
  function paint(label, draw) {
    const { width, height } = canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    canvas.setAttribute("aria-label", label);
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = "12px system-ui, sans-serif";
    if (width) draw(ctx, width, height);
  }
  return { paint, retitle: (text) => { words.textContent = text; } };
}

// A line through points in CSS pixels.
function line(ctx, points, color, width = 1, dash = []) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.beginPath();
  for (const [x, y] of points) ctx.lineTo(x, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

// Values of rows x columns as a picture: 0 is the ground, +peak and -peak the two colors; NaN stays clear.
function drawMap(ctx, width, height, values, rows, columns, peak, colors) {
  const [zero, plus, minus] = [colors.ground, colors.plus, colors.minus].map(rgb);
  const image = new ImageData(columns, rows);
  for (let i = 0; i < values.length; i++) {
    const part = Math.min(1, Math.abs(values[i]) / peak);
    const end = values[i] < 0 ? minus : plus;
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = zero[c] + part * (end[c] - zero[c]);
    image.data[4 * i + 3] = Number.isNaN(part) ? 0 : 255;
  }
  drawImage(ctx, width, height, image);
}

function drawImage(ctx, width, height, image) {
  scratch.width = image.width;
  scratch.height = image.height;
  scratch.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(scratch, 0, 0, width, height);
}
