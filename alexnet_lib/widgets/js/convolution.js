// A 3 x 3 kernel slides over a small picture; each output is a sum of nine products, written out (§3.5).

const Z = 3;

// rows: the picture -> {size, values}; a window that reaches over the border reads zeros there.
export function convolve(rows, weights, { stride, padding }) {
  const side = rows.length, size = Math.floor((side + 2 * padding - Z) / stride) + 1;
  const at = (y, x) => rows[y]?.[x] ?? 0;
  const values = new Float64Array(size * size);
  for (let i = 0; i < values.length; i++) {
    const top = Math.floor(i / size) * stride - padding, left = (i % size) * stride - padding;
    for (let y = 0; y < Z; y++) for (let x = 0; x < Z; x++) values[i] += weights[y][x] * at(top + y, left + x);
  }
  return { size, values };
}

export function summary(state, { rows, words }, { size, values, chosen }) {
  const [row, column] = [Math.floor(chosen / size), chosen % size], side = rows.length;
  return `A ${Z} x ${Z} kernel (${words[state.kernel]}) every ${counted(state.stride, "pixels")}, with `
    + `${counted(state.padding, "pixels")} of padding, makes ${size} x ${size} values of ${side} x ${side} `
    + `pixels; at row ${row}, column ${column} the nine products add up to ${values[chosen]}.`;
}

const prepare = async (model) => ({
  rows: model.get("pixels"),
  kernels: model.get("kernels"),
  words: Object.fromEntries(model.get("params").find((p) => p.name === "kernel").options),
});

function compute(state, { rows, kernels }) {
  const weights = kernels[state.kernel], found = convolve(rows, weights, state);
  const chosen = Math.min(state.position, found.values.length - 1);
  const top = Math.floor(chosen / found.size) * state.stride - state.padding;
  const left = (chosen % found.size) * state.stride - state.padding;
  const terms = weights.flatMap((line, y) => line.map((weight, x) => [weight, rows[top + y]?.[left + x] ?? 0]));
  return { ...found, weights, chosen, top, left, terms };
}

function build({ parent, change, values, data }) {
  const side = data.rows.length;
  const now = () => compute(values(), data);
  const cell = (x, y, size) => [Math.floor(y * size), Math.floor(x * size)];
  const shown = () => side + 2 * values().padding;
  const pick = (row, column, size) => {
    const inside = (at) => Math.min(size - 1, Math.max(0, at));
    change({ position: inside(row) * size + inside(column) });
  };
  const input = picture(parent, { caption: "", columns: 5, aspect: 1,
    onpick: (x, y) => {
      const [row, column] = cell(x, y, shown()), { stride } = values();
      pick(Math.floor((row - 1) / stride), Math.floor((column - 1) / stride), now().size);
    } });
  const kernel = picture(parent, { caption: "The kernel", columns: 2, narrow: 4, aspect: 1 });
  const output = picture(parent, { caption: "", columns: 5, aspect: 1,
    onpick: (x, y) => { const { size } = now(); pick(...cell(x, y, size), size); } });
  const sum = node("div", { class: "sum" });
  parent.append(sum);
  return { input, kernel, output, sum };
}

// Cells with their numbers; color(value) is the ground, and the ink is what can be read on it.
function drawCells(ctx, width, size, valueAt, color) {
  const step = width / size;
  ctx.font = `${Math.min(15, step * 0.5)}px system-ui, sans-serif`;
  Object.assign(ctx, { textAlign: "center", textBaseline: "middle" });
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const value = valueAt(row, column), [ground, ink] = color(value, row, column);
      ctx.fillStyle = ground;
      ctx.fillRect(column * step, row * step, step - 0.5, step - 0.5);
      if (step < 13) continue;
      ctx.fillStyle = ink;
      ctx.fillText(String(value), (column + 0.5) * step, (row + 0.54) * step);
    }
  }
}

function frame(ctx, step, column, row, cells, color) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 3;
  ctx.strokeRect(column * step, row * step, cells * step, cells * step);
}

const gray = (share) => `rgb(${Array(3).fill(Math.round(40 + 205 * share)).join(" ")})`;

function draw({ state, data, result, pictures, colors }) {
  const { rows } = data, { size, values, weights, chosen, top, left, terms } = result;
  const side = rows.length, { padding } = state, whole = side + 2 * padding, total = values[chosen];
  const [row, column] = [Math.floor(chosen / size), chosen % size];
  pictures.input.retitle(padding
    ? `${side} x ${side} pixels with a border of ${counted(padding, "zeros")}; click to move the window`
    : `${side} x ${side} pixels, black 0 to white 9; click to move the window`);
  pictures.input.paint(`Pixels with the window of row ${row}, column ${column} framed`, (ctx, width) => {
    drawCells(ctx, width, whole, (y, x) => rows[y - padding]?.[x - padding] ?? 0, (value, y, x) => {
      const border = Math.min(y, x) < padding || Math.max(y, x) >= side + padding;
      return border ? [colors.panel, colors.quiet] : [gray(value / 9), value > 4 ? "#111" : "#fff"];
    });
    frame(ctx, width / whole, left + padding, top + padding, Z, colors.minus);
  });
  pictures.kernel.paint(`The kernel's nine weights: ${weights.flat().join(", ")}`, (ctx, width) =>
    drawCells(ctx, width, Z, (y, x) => weights[y][x], () => [colors.panel, colors.ink]));
  pictures.output.retitle(`${size} x ${size} outputs: (${side} + 2 · ${padding} − ${Z}) / ${state.stride} + 1, rounded down`);
  const peak = Math.max(...values.map(Math.abs)) || 1;
  const [zero, plus, minus] = [colors.ground, colors.plus, colors.minus].map(rgb);
  const shade = (value) => {
    const end = value < 0 ? minus : plus, share = Math.abs(value) / peak;
    return `rgb(${zero.map((from, c) => Math.round(from + 0.75 * share * (end[c] - from))).join(" ")})`;
  };
  pictures.output.paint(`${size} by ${size} outputs, at row ${row}, column ${column} the value ${total}`, (ctx, width) => {
    drawCells(ctx, width, size, (y, x) => values[y * size + x], (value) => [shade(value), colors.ink]);
    frame(ctx, width / size, column, row, 1, colors.mark);
  });
  const signed = (value) => (value < 0 ? `(−${-value})` : String(value));
  const lines = [0, 1, 2].map((y) => terms.slice(3 * y, 3 * y + 3)
    .map(([weight, pixel]) => `${signed(weight)} · ${pixel}`).join(" + "));
  pictures.sum.replaceChildren(...lines.map((text, y) => node("div", {}, `${y ? "+ " : ""}${text}`)),
    node("b", {}, `= ${total < 0 ? `−${-total}` : total}`));
}

const checked = (state, data, { values }) => [...values];

const style = `
.sum { grid-column: span 12; font-variant-numeric: tabular-nums; padding: 0.4rem 0.7rem; background: var(--panel);
  border-radius: 5px; display: flex; flex-wrap: wrap; gap: 0 0.4rem; }
`;
export default explorer({ title: "Convolution", reset: "Reset", prepare, build, compute, draw, summary, checked, style, sweep: "position" });
