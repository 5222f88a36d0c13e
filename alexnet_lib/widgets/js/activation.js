// Activation functions (§3.1): value, slope, and what layers of them leave of a gradient.

const FAR = 6; // inputs shown on both sides of 0
const REACH = 8.5; // standard deviations: less than 1e-16 of the inputs are beyond
const SPREADS = Array.from({ length: 81 }, (_, i) => 10 ** (i / 20 - 2));
const TENTH = Math.acosh(Math.sqrt(10)); // where tanh's slope has fallen to a tenth of its steepest
const LEAK = 0.01;

const logistic = (z) => 1 / (1 + Math.exp(-z));
// `edge`: a smooth function is saturated beyond it on both sides; the others below 0.
export const UNITS = {
  relu: { words: "ReLU", value: (z) => Math.max(0, z), slope: (z) => (z > 0 ? 1 : 0) },
  tanh: { words: "tanh", value: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2, edge: TENTH },
  sigmoid: {
    words: "sigmoid", value: logistic, slope: (z) => logistic(z) * (1 - logistic(z)), edge: 2 * TENTH,
  },
  "leaky-relu": {
    words: "leaky ReLU", value: (z) => (z > 0 ? z : LEAK * z), slope: (z) => (z > 0 ? 1 : LEAK),
  },
};

// Mean of slope(z)² over z ~ N(0, spread²) by the midpoint rule, both signs at once: a jump at 0 falls
// between two points, and for a smooth, vanishing function the error is exponentially small.
export function meanSquareSlope(unit, spread) {
  const { slope } = UNITS[unit], h = Math.min(spread, 1) / 4;
  let sum = 0;
  for (let i = 0; i < Math.ceil((REACH * spread) / h); i++) {
    const z = (i + 0.5) * h;
    sum += Math.exp(-0.5 * (z / spread) ** 2) * (slope(z) ** 2 + slope(-z) ** 2);
  }
  return (sum * h) / (spread * Math.sqrt(2 * Math.PI));
}

// The fraction of inputs at which the slope is below a tenth of the steepest: a half, or both tails of the
// normal distribution beyond the edge, by Simpson's rule.
export function saturated(unit, spread) {
  const { edge } = UNITS[unit];
  if (edge === undefined) return 0.5;
  const steps = 1000, h = REACH / steps;
  let sum = 0;
  for (let i = 0; i <= steps; i++) {
    const weight = i === 0 || i === steps ? 1 : i % 2 ? 4 : 2;
    sum += weight * Math.exp(-0.5 * (edge / spread + i * h) ** 2);
  }
  return (2 * sum * h) / (3 * Math.sqrt(2 * Math.PI));
}

// The last digits differ between languages, and ReLU's 3.125 % would go up in one and down in the other.
const tidy = (value, digits) => Number(value.toPrecision(digits));
const percent = (part) => (part < 1e-5 ? "less than 0.001 %" : `${number(tidy(100 * part, 10))} %`);

export function summary({ unit, x, spread, layers }, data, { value, slope, flat, left }) {
  const through = layers === 1 ? "1 layer leaves" : `${layers} layers leave`;
  return `At x = ${number(x)}, ${UNITS[unit].words} gives ${number(value)} with slope ${number(slope)}; `
    + `of inputs with standard deviation ${number(spread)}, ${percent(flat)} fall where it is saturated, `
    + `and ${through} ${percent(left)} of a gradient.`;
}

// The right-hand picture's curves at one layer: their powers are the curves at any number.
function prepare() {
  const curve = (unit) => SPREADS.map((spread) => meanSquareSlope(unit, spread));
  return Object.fromEntries(Object.keys(UNITS).map((unit) => [unit, curve(unit)]));
}

function compute({ unit, x, spread, layers }) {
  const { value, slope } = UNITS[unit], square = meanSquareSlope(unit, spread);
  const left = square ** (layers / 2);
  return { value: value(x), slope: slope(x), square, left, flat: saturated(unit, spread) };
}

function build({ parent, change }) {
  return {
    curve: picture(parent, {
      caption: "Blue: the function. Orange, dashed: its slope. Purple: the tangent at x; click to move it. "
        + "Shaded: saturated, the slope is below a tenth of the steepest. Gray: the inputs.",
      columns: 6, aspect: 1.25,
      onpick: (at) => change({ x: Number((FAR * (2 * at - 1)).toFixed(1)) }),
    }),
    decay: picture(parent, {
      caption: "", columns: 6, aspect: 1.25, onpick: (at) => change({ spread: tidy(10 ** (4 * at - 2), 3) }),
    }),
  };
}

function dot(ctx, x, y, color) {
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.arc(x, y, 5, 0, 7);
  ctx.fill();
}

function drawCurve(ctx, width, height, { unit, x, spread }, { value, slope }, colors) {
  const u = UNITS[unit], edge = u.edge ?? 0;
  const low = -1.3, high = u.edge === undefined ? FAR + 0.3 : 1.3;
  const px = (z) => ((z + FAR) / (2 * FAR)) * width, py = (y) => ((high - y) / (high - low)) * height;
  ctx.fillStyle = colors.panel;
  ctx.fillRect(0, 0, px(-edge), height);
  if (edge) ctx.fillRect(px(edge), 0, width - px(edge), height);
  const columns = Array.from({ length: 241 }, (_, i) => -FAR + (i * FAR) / 120);
  const hill = (z) => height * (1 - 0.35 * Math.exp(-0.5 * (z / spread) ** 2));
  line(ctx, columns.map((z) => [px(z), hill(z)]), colors.quiet);
  ctx.fillStyle = colors.quiet;
  for (const y of [-1, 0, 1]) {
    line(ctx, [[0, py(y)], [width, py(y)]], colors.line, 1, y ? [2, 4] : []);
    ctx.fillText(y, 4, py(y) - 3);
  }
  line(ctx, [[px(0), 0], [px(0), height]], colors.line);
  line(ctx, columns.map((z) => [px(z), py(u.value(z))]), colors.plus, 2.5);
  // The slope is drawn in halves so that a jump at 0 is a gap, not a line.
  for (const side of [columns.slice(0, 120), columns.slice(121)]) {
    line(ctx, side.map((z) => [px(z), py(u.slope(z))]), colors.minus, 2, [6, 4]);
  }
  line(ctx, [-2, 2].map((away) => [px(x + away), py(value + slope * away)]), colors.mark, 2);
  dot(ctx, px(x), py(value), colors.mark);
}

function drawDecay(ctx, width, height, { unit, spread, layers }, { left }, curves, colors) {
  const bottom = -(1 + 0.6 * layers), top = 0.15;
  const px = (s) => ((Math.log10(s) + 2) / 4) * width;
  const py = (share) => ((top - Math.log10(share)) / (top - bottom)) * height;
  ctx.fillStyle = colors.quiet;
  ctx.textAlign = "right";
  for (let power = 0; power > bottom; power -= Math.ceil(-bottom / 6)) {
    line(ctx, [[0, py(10 ** power)], [width, py(10 ** power)]], colors.line, 1, [2, 4]);
    ctx.fillText(tidy(10 ** power, 1), width - 3, py(10 ** power) + 13);
  }
  ctx.textAlign = "left";
  for (const s of [0.1, 1, 10]) {
    line(ctx, [[px(s), 0], [px(s), height]], colors.line, 1, [2, 4]);
    ctx.fillText(`σ = ${s}`, px(s) + 4, height - 4);
  }
  const others = Object.keys(UNITS).filter((other) => other !== unit);
  for (const each of [...others, unit]) {
    const [color, thick] = each === unit ? [colors.plus, 3] : [colors.quiet, 1.5];
    const points = SPREADS.map((s, i) => [px(s), py(curves[each][i] ** (layers / 2))]);
    line(ctx, points, color, thick);
    ctx.fillStyle = colors.ink;
    // Leaky ReLU's line is under ReLU's.
    if (each !== "leaky-relu") {
      ctx.fillText(each === "relu" ? "ReLU, leaky ReLU" : UNITS[each].words, 6, points[0][1] + 15);
    }
  }
  line(ctx, [[px(spread), 0], [px(spread), height]], colors.mark, 1, [4, 4]);
  dot(ctx, px(spread), py(left), colors.mark);
}

function draw({ state, data, result, pictures, colors }) {
  const { words } = UNITS[state.unit];
  const through = state.layers === 1 ? "1 layer leaves" : `${state.layers} layers leave`;
  pictures.curve.paint(`${words} and its slope, ${number(result.slope)} at x = ${number(state.x)}`,
    (ctx, width, height) => drawCurve(ctx, width, height, state, result, colors));
  pictures.decay.retitle(`What ${through} of a gradient against the standard deviation σ of their inputs: `
    + "(mean of slope²)^(L/2) over z ~ N(0, σ²), both axes logarithmic; click to move σ.");
  pictures.decay.paint(`What ${through} of a gradient with four functions: here ${percent(result.left)}`,
    (ctx, width, height) => drawDecay(ctx, width, height, state, result, data, colors));
}

const checked = (state, data, { value, slope, square, left, flat }) => [value, slope, square, left, flat];

export default explorer({ title: "Activation functions and their slopes", reset: "Reset", prepare, build, compute, draw, summary, checked, sweep: "spread" });
