// PCA color augmentation (§4.1), on one photograph.

const UNITS = { "0-1": 255, "0-255": 1 }; // gray levels that count as one
const DIVIDE_BY = 1.1; // original code, while the noise is on
const DRAWS = 6, SMALL = 96; // height and width of a small photograph
const REACH = 2; // standard deviations of the photographs' own colors that a line of color shows

// Eigenvalues of the covariance in that unit, or their roots. `values` hold for pixels from 0 to 1.
export function scaleOf(values, { magnitude, pixels }) {
  const levels = 255 / UNITS[pixels], printed = magnitude === "eigenvalue";
  return values.map((value) => (printed ? value * levels ** 2 : Math.sqrt(value) * levels));
}

// Gray levels along each component for factors of `a` sigmas.
export function amounts(a, { values }, settings) {
  const scale = scaleOf(values, settings);
  return a.map((factor, i) => UNITS[settings.pixels] * settings.sigma * factor * scale[i]);
}

// The same in gray levels of red, green and blue. A row of `vectors` is a component.
export function shift(a, fit, settings) {
  const along = amounts(a, fit, settings);
  return [0, 1, 2].map((c) => along.reduce((sum, amount, i) => sum + amount * fit.vectors[i][c], 0));
}

const norm = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

// Root mean square length of a shift over all draws, in gray levels.
export const typical = (fit, settings) => norm(amounts([1, 1, 1], fit, settings));

// One value of a pixel after the noise; the division works on what is left without the mean.
export const noisy = (value, moved, mean, divide) =>
  (divide ? (value + moved - mean) / DIVIDE_BY + mean : value + moved);

// RGBA bytes of a picture after the noise, and the fraction of its values that a screen has to cut off.
export function apply(rgba, moved, mean, divide) {
  const out = new Uint8ClampedArray(rgba); // it rounds, and keeps 0 to 255
  let outside = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      const value = noisy(rgba[i + c], moved[c], mean[c], divide);
      out[i + c] = value;
      if (value < 0 || value > 255) outside += 1;
    }
  }
  return { rgba: out, outside: outside / (0.75 * rgba.length) };
}

export function summary(state, data, { moved, draws, usual }) {
  const [red, green, blue] = moved.map(number);
  const largest = Math.max(...draws.map(norm));
  const divided = state.divide ? " Then the photograph less the mean color is divided by 1.1." : "";
  return `Every pixel gets ${red} gray levels of red, ${green} of green and ${blue} of blue; a typical draw `
    + `moves a color by ${number(usual)} levels, the largest of the six draws of seed ${state.seed} by `
    + `${number(largest)}.${divided}`;
}

function bytes(photo, side) {
  const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
  const ctx = canvas.getContext("2d");
  ctx.drawImage(photo, 0, 0, side, side);
  return ctx.getImageData(0, 0, side, side).data;
}

async function prepare(model) {
  const photo = await decodePhoto(model.get("photo")), side = photo.width;
  const [fits, draws] = ["fits", "draws"].map((name) => model.get(name));
  return { side, whole: bytes(photo, side), small: bytes(photo, SMALL), fits, draws };
}

function compute(state, data) {
  const fit = data.fits[state.fit];
  const moved = shift([state.a1, state.a2, state.a3], fit, state);
  const draws = data.draws[state.seed].map((a) => shift(a, fit, state));
  return { fit, moved, draws, usual: typical(fit, state) };
}

function build({ parent, change, values, data }) {
  const factor = (a) => Number(Math.min(3, Math.max(-3, a)).toFixed(1));
  const before = picture(parent, { caption: "Before", columns: 6, narrow: 6, aspect: 1 });
  const after = picture(parent, { caption: "", columns: 6, narrow: 6, aspect: 1 });
  const draws = picture(parent, {
    caption: "", aspect: DRAWS,
    onpick: (x) => {
      const [a1, a2, a3] = data.draws[values().seed][Math.floor(x * DRAWS)].map(factor);
      change({ a1, a2, a3 });
    },
  });
  const lines = picture(parent, {
    caption: "Components 1, 2, 3: colors from two standard deviations below the mean color to two above, as the "
      + "photographs have them; long mark, this shift; short marks, the six draws; at the edge, beyond it.",
    aspect: 6,
  });
  const table = node("table"), attributes = { class: "scroll", tabindex: 0, role: "region" };
  parent.append(node("div", { ...attributes, "aria-label": "Components" }, table));
  return { before, after, draws, lines, table };
}

function drawLines(ctx, width, height, { state, data, fit, colors }) {
  const row = height / 3, gap = 2;
  const factors = [...data.draws[state.seed], [state.a1, state.a2, state.a3]];
  const marks = factors.map((a) => amounts(a, fit, state));
  for (let i = 0; i < 3; i++) {
    const reach = REACH * 255 * Math.sqrt(fit.values[i]);
    const gradient = ctx.createLinearGradient(0, 0, width, 0);
    for (let stop = -8; stop <= 8; stop++) { // the ends may leave 0 to 255: two stops would bend the line
      const color = fit.mean.map((mean, c) => mean + (stop / 8) * reach * fit.vectors[i][c]);
      gradient.addColorStop((stop + 8) / 16, `rgb(${color.join(" ")})`);
    }
    ctx.fillStyle = gradient;
    ctx.fillRect(0, i * row + gap, width, row - 2 * gap);
    for (const [k, along] of marks.entries()) {
      const own = k === marks.length - 1, part = Math.max(-1, Math.min(1, along[i] / reach));
      const x = 3 + ((part + 1) / 2) * (width - 6), half = own ? row / 2 : row / 5;
      ctx.fillStyle = colors.ground; // a rim keeps the mark apart from the colors under it
      ctx.fillRect(x - 2.5, (i + 0.5) * row - half, 5, 2 * half);
      ctx.fillStyle = own ? colors.mark : colors.ink;
      ctx.fillRect(x - 1.5, (i + 0.5) * row - half, 3, 2 * half);
    }
  }
}

function components(state, { fit }) {
  const total = fit.values.reduce((sum, value) => sum + value, 0);
  const a = [state.a1, state.a2, state.a3], along = amounts(a, fit, state);
  const values = scaleOf(fit.values, { ...state, magnitude: "eigenvalue" });
  const row = (kind, texts) => node("tr", {}, ...texts.map((text) => node(kind, {}, text)));
  return [row("th", ["No.", "λ", "Variance", "Red, green, blue", "Factor a", "Moves by"]),
    ...values.map((value, i) => row("td", [
      String(i + 1), number(value), `${number((100 * fit.values[i]) / total)} %`,
      fit.vectors[i].map(number).join(", "), number(a[i] * state.sigma), `${number(along[i])} levels`,
    ]))];
}

// A frame tells a white photograph from no photograph.
function drawFramed(ctx, width, height, rgba, size, colors) {
  drawImage(ctx, width, height, new ImageData(rgba, size, size));
  ctx.strokeStyle = colors.line;
  ctx.strokeRect(0.5, 0.5, width - 1, height - 1);
}

function draw({ state, data, result, pictures, colors }) {
  const { side, whole, small } = data, { fit, moved, draws } = result;
  const framed = (rgba) => (ctx, width, height) => drawFramed(ctx, width, height, rgba, side, colors);
  pictures.before.paint("The photograph", framed(whole));
  const after = apply(whole, moved, fit.mean, state.divide);
  pictures.after.retitle(`After${state.divide ? ", the mean color put back to show it" : ""}; a screen cuts `
    + `off ${number(100 * after.outside)} % of the values, which leave 0 to 255`);
  pictures.after.paint(`The photograph plus ${moved.map(number).join(", ")} gray levels of red, green, blue`,
    framed(after.rgba));
  pictures.draws.retitle(`Six draws of torch's generator with seed ${state.seed}: each is one image. `
    + "Click one to copy its factors, to a tenth of σ.");
  pictures.draws.paint(`The photograph with six draws, seed ${state.seed}`, (ctx, width, height) => {
    for (const [i, drawn] of draws.entries()) {
      const { rgba } = apply(small, drawn, fit.mean, state.divide);
      ctx.translate(i ? width / DRAWS : 2, 0);
      drawFramed(ctx, width / DRAWS - 4, height, rgba, SMALL, colors);
    }
  });
  pictures.lines.paint("Lines of color along the components, with marks at this shift and at the draws",
    (ctx, width, height) => drawLines(ctx, width, height, { state, data, fit, colors }));
  pictures.table.replaceChildren(...components(state, result));
}

const GRAY = 128;
const checked = (state, data, { fit, moved, draws, usual }) => [
  ...moved.map((part, c) => noisy(GRAY, part, fit.mean[c], state.divide)), usual, ...draws.flat(),
];

export default explorer({ title: "PCA color augmentation", reset: "Reset", prepare, build, compute, draw, summary, checked, sweep: "sigma" });
