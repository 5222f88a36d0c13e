// Recorded training curves (§3.1, §5, §6), any two of them, and the epochs that each takes to a threshold.

// The first epoch, counted from 1, whose value is at or below the threshold; null if none is.
export function firstBelow(values, threshold) {
  const at = values.findIndex((value) => value <= threshold);
  return at < 0 ? null : at + 1;
}

function after(epoch, { values }) {
  if (epoch === null) return `in none of its ${values.length} epochs`;
  return `after ${epoch} epoch${epoch === 1 ? "" : "s"}`;
}

export function summary({ threshold }, data, { runs, epochs }) {
  const told = runs.map((run, i) => `${run.name} ${after(epochs[i], run)}`).join(", ");
  const ratio = epochs.includes(null) ? "no ratio"
    : `a ratio of ${epochs[1]} / ${epochs[0]} = ${number(epochs[1] / epochs[0])}`;
  const unlike = String(runs[0].alike) === String(runs[1].alike) ? "" : ", which differ in data or measure";
  return `At or below ${number(threshold)}: ${told}; ${ratio}, from one run each${unlike}, `
    + "measured here and not in the paper.";
}

const prepare = (model) => model.get("runs");

function compute({ a, b, threshold }, all) {
  const runs = [all[a], all[b]];
  return {
    runs,
    epochs: runs.map((run) => firstBelow(run.values, threshold)),
    top: 1.05 * Math.max(threshold, ...runs.flatMap((run) => run.values)),
    last: Math.max(...runs.map((run) => run.values.length)),
  };
}

const LEFT = 40; // pixels for the values' numbers
const FLOOR = 0.9; // of the canvas's height; the epochs' numbers are below

function build({ parent, change, values, data }) {
  const pick = (x, y) => {
    const value = (1 - y / FLOOR) * compute(values(), data).top;
    change({ threshold: Math.min(3, Math.max(0.01, Number(value.toFixed(2)))) });
  };
  return {
    lines: picture(parent, {
      caption: "Blue: the first curve. Orange, dashed: the second. Purple: the threshold; click to move it. "
        + "Dots: the first epoch at or below it.",
      aspect: 1.7, onpick: pick,
    }),
    told: parent.appendChild(node("ul", { class: "told" })),
  };
}

// About `count` round steps from 0 to `high`.
export function ticks(high, count) {
  const power = 10 ** Math.floor(Math.log10(high / count));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((size) => high / size <= count);
  return Array.from({ length: Math.floor(high / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function drawLines(ctx, width, height, threshold, { runs, epochs, top, last }, colors) {
  const px = (epoch) => LEFT + ((epoch - 0.5) / last) * (width - LEFT - 8);
  const floor = FLOOR * height, py = (value) => floor * (1 - value / top);
  ctx.fillStyle = colors.quiet;
  ctx.textAlign = "right";
  for (const value of ticks(top, 6)) {
    line(ctx, [[LEFT, py(value)], [width, py(value)]], colors.line, 1, value ? [2, 4] : []);
    ctx.fillText(value, LEFT - 6, py(value) + 4);
  }
  ctx.textAlign = "center";
  for (const epoch of ticks(last, 10)) {
    if (epoch && Number.isInteger(epoch)) ctx.fillText(epoch, px(epoch), floor + 15);
  }
  ctx.textAlign = "left";
  ctx.fillText("epoch", 0, floor + 15);
  line(ctx, [[LEFT, py(threshold)], [width, py(threshold)]], colors.mark, 2, [8, 3, 2, 3]);
  runs.forEach(({ values }, i) => {
    const color = i ? colors.minus : colors.plus;
    line(ctx, values.map((value, at) => [px(at + 1), py(value)]), color, 2.5, i ? [7, 4] : []);
    if (epochs[i] === null) return;
    const x = px(epochs[i]), y = py(values[epochs[i] - 1]);
    line(ctx, [[x, y], [x, floor]], color, 1, [2, 3]);
    ctx.fillStyle = color;
    ctx.beginPath();
    ctx.arc(x, y, 5, 0, 7);
    ctx.fill();
  });
}

function draw({ state, result, pictures, colors }) {
  const { runs, epochs, last } = result;
  pictures.lines.paint(
    `${runs[0].name} and ${runs[1].name} over ${last} epochs, a line at ${number(state.threshold)}`,
    (ctx, width, height) => drawLines(ctx, width, height, state.threshold, result, colors));
  const rows = runs.map((run, i) => node("li", {}, `${run.name}, ${after(epochs[i], run)}: ${run.told}`));
  pictures.told.replaceChildren(...rows);
}

const style = `
.told { grid-column: span 12; margin: 0; padding-left: 1.2rem; font-size: 0.85rem; color: var(--quiet); }
`;
export default explorer({ title: "Recorded runs", reset: "Reset", prepare, build, compute, draw, summary, style, sweep: "threshold" });
