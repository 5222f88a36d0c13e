// Every variant of the network, layer by layer (§3.5). Shapes and costs come from Python (counts.trace).

const grouped = (count) => count.toLocaleString("en-US");
const COSTS = ["parameters", "multiply_accumulates"];

// Windows of z pixels, s apart, on a row: how many, and the first pixel after the last.
// With `ceil` a last window may extend past the border, so that no pixel is left out.
export function windowsOf({ side, padding, ceil }, z, s) {
  const count = 1 + (ceil ? Math.ceil : Math.floor)((side + 2 * padding - z) / s);
  return { count, end: (count - 1) * s - padding + z };
}

export function totals(layers) {
  const sum = (cost) => Object.values(layers).reduce((all, layer) => all + layer[cost], 0);
  return Object.fromEntries(COSTS.map((cost) => [cost, sum(cost)]));
}

function shape({ channels, size, numbers }) {
  return size === null ? grouped(channels) : `${channels} x ${size} x ${size} = ${grouped(numbers)}`;
}
const pixels = (count) => `${count} pixel${count === 1 ? "" : "s"}`;

export function summary(state, { words }, { layer, total, row, count, end }) {
  const costs = COSTS.map((cost) => `${grouped(layer[cost])} of ${grouped(total[cost])} `
    + `${cost.replace("_", "-")} (${number((100 * layer[cost]) / total[cost])} %)`);
  const ends = end > row.side ? `reaching ${pixels(end - row.side)} beyond it`
    : end < row.side ? `leaving out ${pixels(row.side - end)}` : "ending where it ends";
  return `In ${words[state.spec]}, ${state.layer} outputs ${shape(layer)} values, `
    + `with ${costs.join(" and ")}; `
    + `a row of ${row.side} pixels holds ${count} windows of conv1, the last ${ends}.`;
}

async function prepare(model) {
  const options = (name) => model.get("params").find((p) => p.name === name).options;
  return {
    specs: model.get("specs"), readings: model.get("readings"), words: Object.fromEntries(options("spec")),
    names: options("layer").map(([name]) => name), // in their order, which an object does not keep on its way
    photo: await decodePhoto(model.get("photo")),
  };
}

function compute(state, { specs, readings }) {
  const { layers, first, z, s } = specs[state.spec];
  const row = readings[state.reading] ?? first;
  return { layers, layer: layers[state.layer], total: totals(layers), row, z, s, ...windowsOf(row, z, s) };
}

function build({ parent, change, data: { names } }) {
  return {
    bars: picture(parent, {
      caption: "Fractions of the whole network: parameters in blue, multiply-accumulates in orange. "
        + "Click to pick a layer.",
      columns: 7, aspect: 1.1, onpick: (x, y) => change({ layer: names[Math.floor(y * names.length)] }),
    }),
    field: picture(parent, { caption: "", columns: 5, aspect: 1 }),
    first: picture(parent, {
      caption: "The first pixels of a row and the first windows of conv1", columns: 6, aspect: 3.3,
    }),
    last: picture(parent, { caption: "", columns: 6, aspect: 3.3 }),
  };
}

function drawBars(ctx, width, height, names, chosen, { layers, total }, colors) {
  const step = height / names.length, left = 48;
  const share = (name, cost) => layers[name][cost] / total[cost];
  const widest = Math.max(...names.flatMap((name) => COSTS.map((cost) => share(name, cost))));
  ctx.textBaseline = "middle";
  ctx.font = "11px system-ui, sans-serif";
  names.forEach((name, i) => {
    if (name === chosen) {
      ctx.fillStyle = colors.panel;
      ctx.fillRect(0, i * step, width, step);
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 2;
      ctx.strokeRect(1, i * step + 1, width - 2, step - 2);
    }
    ctx.fillStyle = colors.ink;
    ctx.fillText(name, 6, (i + 0.5) * step);
    COSTS.forEach((cost, j) => {
      const length = (share(name, cost) / widest) * (width - left - 56), thick = step * 0.38;
      const top = i * step + step * 0.12 + j * thick;
      ctx.fillStyle = j ? colors.minus : colors.plus;
      ctx.fillRect(left, top, length, thick);
      ctx.fillStyle = colors.ink;
      const words = layers[name][cost] ? `${number(100 * share(name, cost))} %` : "";
      ctx.fillText(words, left + length + 4, top + thick / 2 + 1);
    });
  });
}

// The center of the photograph at the network's input size, and what one output sees around its middle.
function drawField(ctx, width, height, photo, side, field, colors) {
  const margin = (photo.width - side) / 2, step = width / side, seen = Math.min(field ?? side, side);
  ctx.drawImage(photo, margin, margin, side, side, 0, 0, width, height);
  ctx.strokeStyle = colors.mark;
  ctx.lineWidth = 4;
  const corner = ((side - seen) / 2) * step + 2;
  ctx.strokeRect(corner, corner, seen * step - 4, seen * step - 4);
}

// Pixels `from` to `to` of a row above some of its windows; `shown`: the windows' numbers, counted from 1.
function drawWindows(ctx, width, height, { from, to, shown }, { row, z, s, end }, colors) {
  const step = width / (to - from), x = (pixel) => (pixel - from) * step, bar = height * 0.26;
  const top = 16, low = top + height * 0.2;
  ctx.textAlign = "center";
  ctx.lineWidth = 1;
  for (let pixel = from; pixel < to; pixel++) {
    const inside = pixel >= 0 && pixel < row.side;
    if (!inside && (pixel >= end || pixel < -row.padding)) continue;
    ctx.fillStyle = !inside ? colors.ground : pixel < end ? colors.line : colors.minus;
    ctx.fillRect(x(pixel), top, step, low - top);
    ctx.strokeStyle = colors.quiet;
    ctx.strokeRect(x(pixel) + 0.5, top, step - 1, low - top);
    ctx.fillStyle = colors.ink;
    if (!inside) ctx.fillText("0", x(pixel + 0.5), (top + low) / 2 + 4);
    if (pixel === 0 || pixel === row.side - 1) ctx.fillText(pixel, x(pixel + 0.5), top - 4);
  }
  shown.forEach((window, level) => {
    const start = (window - 1) * s - row.padding, y = low + 5 + level * (bar + 3);
    ctx.strokeStyle = colors.plus;
    ctx.lineWidth = 2;
    ctx.strokeRect(x(start) + 1, y, z * step - 2, bar);
    ctx.fillText(`window ${window}: ${start} to ${start + z - 1}`, x(start + z / 2), y + bar / 2 + 4);
  });
}

function draw({ state, data, result, pictures, colors }) {
  const { layer, row, z, s, count, end } = result, side = data.specs[state.spec].first.side;
  pictures.bars.paint(
    `Fractions of parameters and of multiply-accumulates in ${data.names.length} layers, ${state.layer} marked`,
    (ctx, width, height) => drawBars(ctx, width, height, data.names, state.layer, result, colors));

  const sees = layer.receptive_field === null ? "the whole image"
    : `${layer.receptive_field} x ${layer.receptive_field} of ${side} x ${side} pixels, `
      + `its neighbor ${layer.stride} further on`;
  const reads = layer.own ? "It reads the channels of its own tower only." : "It reads all channels of the layer before.";
  const asks = state.layer !== "conv1" && layer.parameters; // who reads what is a question of these alone
  pictures.field.retitle(`One output of ${state.layer} sees ${sees}. ${asks ? reads : ""}`);
  pictures.field.paint(`A photograph with a frame around what one output of ${state.layer} sees`,
    (ctx, width, height) => drawField(ctx, width, height, data.photo, side, layer.receptive_field, colors));

  const beyond = end > row.side ? "pixels marked 0 are past the border"
    : end < row.side ? "the orange pixel is in no window" : "they end together";
  pictures.last.retitle(
    `The last pixels and windows ${count - 1} and ${count} of ${z} pixels, ${s} apart: ${beyond}`);
  pictures.first.paint(`Windows 1 and 2; the first starts at pixel ${-row.padding}`, (ctx, width, height) =>
    drawWindows(ctx, width, height, { from: -2, to: 17, shown: [1, 2] }, result, colors));
  pictures.last.paint(
    `Windows ${count - 1} and ${count}; the last ends at pixel ${end - 1}, the row at ${row.side - 1}`,
    (ctx, width, height) => drawWindows(ctx, width, height,
      { from: row.side - 16, to: row.side + 3, shown: [count - 1, count] }, result, colors));
}

function checked(state, data, { layer, total, row, count, end }) {
  return [layer.numbers, ...COSTS.map((c) => layer[c]), ...COSTS.map((c) => total[c]), row.side, count, end];
}

export default explorer({ title: "The eight layers", prepare, build, compute, draw, summary, checked });
