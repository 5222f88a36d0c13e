// Dropout (§4.2): sub-networks that each miss some of eight units, against the mean network.

const UNITS = 8;
const SHOWN = 64; // masks that are drawn

export { uniform };

const OUTPUTS = { linear: (z) => z, relu: (z) => Math.max(0, z), softmax: (z) => 1 / (1 + Math.exp(-z)) };
const logSigmoid = (z) => Math.min(0, z) - Math.log1p(Math.exp(-Math.abs(z))); // of softmax, also far out

// The weighted sum of a network whose unit i is activations[i] * factors[i].
export const weightedSum = ({ activations, weights }, factors) =>
  weights.reduce((sum, weight, i) => sum + weight * activations[i] * factors[i], 0);

// What the mask multiplies in training, and all units in evaluation.
export const factorsOf = ({ p, form }) => (form === "paper" ? [1, 1 - p] : [1 / (1 - p), 1]);

// Average over all masks, each with its probability; `geometric` is that of the class probabilities.
export function everyMask(layer, { p, form, output }) {
  const [training] = factorsOf({ p, form }), units = layer.activations.map((_, i) => i);
  let mean = 0, first = 0, second = 0;
  for (let mask = 0; mask < 2 ** units.length; mask++) {
    const kept = units.map((i) => (mask >> i) & 1);
    const chance = kept.reduce((product, one) => product * (one ? 1 - p : p), 1);
    const z = weightedSum(layer, kept.map((one) => one * training));
    mean += chance * OUTPUTS[output](z);
    first += chance * logSigmoid(z);
    second += chance * logSigmoid(-z);
  }
  return { mean, geometric: OUTPUTS.softmax(first - second) };
}

// How many of the sub-networks keep each unit.
export function timesKept(masks) {
  const times = Array(UNITS).fill(0);
  for (let at = 0; at < masks.length; at++) times[at % UNITS] += masks[at];
  return times;
}

// weightedSum of each sub-network, without an array for each: there are thousands.
export function maskedSums({ activations, weights }, masks, training) {
  const carried = weights.map((weight, i) => weight * activations[i] * training);
  return Array.from({ length: masks.length / UNITS }, (_, net) => {
    let sum = 0;
    for (let i = 0; i < UNITS; i++) sum += carried[i] * masks[net * UNITS + i];
    return sum;
  });
}

export function summary(state, data, { drawn, every, test }) {
  const { nets, output, form, p } = state;
  const many = nets === 1 ? "1 sub-network says" : `${nets} sub-networks say on average`;
  const units = `every unit ${form === "inverted" ? "as it is" : `times ${Number((1 - p).toFixed(4))}`}`;
  const verdict = Math.abs(every.mean - test) < 1e-9 ? "the same" : "not the same";
  const theirs = `; their geometric mean is ${number(every.geometric)}, the mean network's`;
  return `${many} ${number(drawn)}, and the mean network with ${units} says ${number(test)}. Over all 256 masks `
    + `the average is ${number(every.mean)}, ${verdict}${output === "softmax" ? theirs : ""}.`;
}

const prepare = async (model) =>
  Object.fromEntries(["maps", "activations", "weights"].map((name) => [name, model.get(name)]));

function compute(state, data) {
  const { p, nets, seed, output } = state, [training, atTest] = factorsOf(state);
  const masks = Uint8Array.from(uniform(seed, nets * UNITS), (u) => (u >= p ? 1 : 0));
  const says = maskedSums(data, masks, training).map(OUTPUTS[output]);
  return {
    masks, says, kept: timesKept(masks), whole: Array(UNITS).fill(atTest),
    last: Array.from(masks.subarray(-UNITS), (kept) => kept * training),
    drawn: says.reduce((sum, value) => sum + value, 0) / nets,
    every: everyMask(data, state),
    test: OUTPUTS[output](weightedSum(data, Array(UNITS).fill(atTest))),
  };
}

// ---- two networks that learn, one of them with dropout

const TRAINED = { training: 200, testing: 100, batch: 20, pixels: "scaled", init: "fitted", activation: "relu", rates: { lr: 0.003 } };
const EPOCHS = 15;

// Training and test error after each epoch, in evaluation mode; {p, errors: [[training, test], ...]} for each network.
function buildTraining({ parent, values, model, ask: redraw }) {
  const go = button("▶ Train with and without dropout", () => (run ? end() : start()));
  const told = node("span", { role: "status" });
  parent.append(node("div", { class: "buttons whole" }, go, told));
  const chart = picture(parent, { caption: "", aspect: 2.4 }), frame = parent.lastChild;
  let run = null;

  async function start() {
    const { p, seed } = values(), mine = { key: `${p} ${seed}`, lanes: [0, p].map((one) => ({ p: one, errors: [] })) };
    run = mine;
    told.textContent = "Loading 300 patches ...";
    redraw();
    try {
      const opened = await openLanes(model, mine.lanes.map((lane) => ({ ...TRAINED, dropout: lane.p, seed })));
      mine.lanes.forEach((lane, i) => { lane.engine = opened[i].engine; });
      if (run !== mine) return stop(mine);
      told.textContent = "Two networks of chapter 3.1 learn in this page.";
      for (let epoch = 0; epoch < EPOCHS; epoch++) {
        await whenSeen();
        await Promise.all(mine.lanes.map(learnOnce));
        if (run !== mine) return;
        redraw();
      }
      stop(mine);
      mine.over = true;
      told.textContent = mine.lanes.map(({ p: one, errors }) =>
        `${one ? `p = ${one}` : "Without dropout"}: training error ${errors.at(-1)[0]} %, test error ${errors.at(-1)[1]} %.`).join(" ");
    } catch (error) {
      end();
      told.textContent = `The training did not start: ${error.message}.`;
    }
    redraw();
  }
  async function learnOnce({ engine, errors }) {
    for (let step = 0; step < TRAINED.training / TRAINED.batch; step++) await engine.ask("step");
    const found = [];
    for (const of of ["train", "test"]) found.push(await engine.ask("measure", { of, count: 100 }));
    errors.push(found.map(({ wrong, count }) => (100 * wrong) / count));
  }
  const stop = ({ lanes }) => lanes.forEach(({ engine }) => engine?.end());
  function end() {
    if (run) stop(run);
    run = null;
    told.textContent = "";
    redraw();
  }
  window.addEventListener("pagehide", end);
  return {
    chart,
    now({ p, seed }) { // a changed setting ends it
      if (run && run.key !== `${p} ${seed}`) end();
      go.textContent = run && !run.over ? "■ Stop" : "▶ Train with and without dropout";
      frame.hidden = !run;
      return run;
    },
    end() { window.removeEventListener("pagehide", end); end(); },
  };
}

function drawTraining(ctx, width, height, { lanes }, colors) {
  const left = 44, x = (epoch) => left + (epoch / EPOCHS) * (width - left - 90), y = (error) => 8 + (1 - error / 100) * (height - 32);
  Object.assign(ctx, { fillStyle: colors.quiet, textAlign: "right", textBaseline: "middle" });
  for (const error of [0, 25, 50, 75, 100]) {
    line(ctx, [[left, y(error)], [width, y(error)]], colors.line);
    ctx.fillText(`${error} %`, left - 5, y(error));
  }
  ctx.textAlign = "center";
  for (let epoch = 0; epoch <= EPOCHS; epoch += 5) ctx.fillText(epoch, x(epoch), height - 8);
  ctx.textAlign = "left";
  const ends = [];
  lanes.forEach(({ p, errors }, i) => {
    const color = i ? colors.plus : colors.minus;
    ["training", "test"].forEach((of, k) => {
      const points = [[x(0), y(90)], ...errors.map((pair, epoch) => [x(epoch + 1), y(pair[k])])];
      line(ctx, points, color, 2.5, k ? [] : [3, 4]);
      ends.push({ words: p ? `${of}, p = ${p}` : of, color, x: points.at(-1)[0] + 6, y: points.at(-1)[1] });
    });
  });
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => { // names at the ends, apart where two ends meet
    if (i) end.y = Math.max(end.y, ends[i - 1].y + 14);
    ctx.fillStyle = end.color;
    ctx.fillText(end.words, end.x, end.y);
  });
}

function build({ parent, ...given }) {
  const half = { caption: "", columns: 6, narrow: 6, aspect: 1.4 };
  const masked = picture(parent, half), whole = picture(parent, half);
  const strip = picture(parent, { caption: "", aspect: SHOWN / UNITS });
  const caption = "Dots, each sub-network's answer; line, their average so far, on a logarithmic axis; dashed, "
    + "the average over all 256 masks; straight, the mean network";
  const curve = picture(parent, { caption, aspect: 2.8 });
  const table = node("table"), attributes = { class: "scroll", tabindex: 0, role: "region" };
  parent.append(node("div", { ...attributes, "aria-label": "Units" }, table));
  const training = buildTraining({ parent, ...given });
  return { masked, whole, strip, curve, table, training, end: training.end };
}

function ring(ctx, x, y, radius, fill, color, dash = []) {
  ctx.fillStyle = fill;
  const turn = Array.from({ length: 33 }, (_, i) => (i * Math.PI) / 16);
  line(ctx, turn.map((a) => [x + radius * Math.cos(a), y + radius * Math.sin(a)]), color, 1.5, dash);
  ctx.fill();
}

// Eight units and their output: a line is as wide as what it carries, a dropped unit is an empty ring.
function drawNet(ctx, width, height, { activations, weights }, factors, says, colors) {
  const radius = Math.min(12, height / 20), left = 2 * radius, right = width - 48;
  const most = Math.max(...activations.map((a, i) => Math.abs(a * weights[i]))) || 1;
  activations.forEach((a, i) => {
    const y = ((i + 0.5) * height) / UNITS, carried = Math.abs(a * weights[i] * factors[i]);
    const wide = Math.min(16, (8 * carried) / most);
    const [color, dash] = weights[i] < 0 ? [colors.minus, [6, 4]] : [colors.plus, []];
    const [fill, dots] = factors[i] ? [colors.line, []] : [colors.ground, [2, 3]];
    if (wide) line(ctx, [[left, y], [right, height / 2]], color, wide, dash);
    ring(ctx, left, y, radius, fill, colors.ink, dots);
  });
  ring(ctx, right, height / 2, 24, colors.panel, colors.ink);
  Object.assign(ctx, { fillStyle: colors.ink, textAlign: "center", textBaseline: "middle" });
  ctx.fillText(number(says), right, height / 2);
}

function drawStrip(ctx, width, height, masks, colors) {
  const step = width / SHOWN, row = height / UNITS;
  masks.subarray(0, SHOWN * UNITS).forEach((kept, at) => {
    ctx.fillStyle = kept ? colors.plus : colors.panel;
    ctx.fillRect(Math.floor(at / UNITS) * step + 0.5, (at % UNITS) * row + 0.5, step - 1, row - 1);
  });
}

// The running average over the sub-networks; number 1, 2, 4, ... evenly spaced.
function drawCurve(ctx, width, height, { says, every, test }, colors) {
  let sum = 0;
  const averages = says.map((value, n) => (sum += value) / (n + 1));
  const values = [...says, every.mean, test], high = Math.max(...values), low = Math.min(...values);
  const x = (n) => 8 + (Math.log2(n + 1) / Math.max(1, Math.log2(says.length))) * (width - 70);
  const y = (value) => 14 + ((high - value) / (high - low || 1)) * (height - 28);
  const square = (value, n, side) => ctx.fillRect(x(n) - side / 2, y(value) - side / 2, side, side);
  ctx.fillStyle = colors.quiet;
  says.forEach((value, n) => square(value, n, 2));
  ctx.textAlign = "right";
  ctx.fillText(number(high), width - 2, 11);
  ctx.fillText(number(low), width - 2, height - 3);
  line(ctx, [[0, y(test)], [width, y(test)]], colors.mark, 2);
  line(ctx, [[0, y(every.mean)], [width, y(every.mean)]], colors.minus, 2, [7, 5]);
  line(ctx, averages.map((value, n) => [x(n), y(value)]), colors.plus, 2);
  ctx.fillStyle = colors.plus;
  square(averages.at(-1), says.length - 1, 8);
}

function draw({ state, data, result, pictures, colors }) {
  const { nets, p } = state, { masks, kept, last, whole, says, drawn, every, test } = result;
  const missing = last.filter((factor) => factor === 0).length, shown = Math.min(nets, SHOWN);
  const net = (target, label, factors, value) => target.paint(label, (ctx, width, height) =>
    drawNet(ctx, width, height, data, factors, value, colors));
  pictures.masked.retitle(`Sub-network ${nets} of ${nets}: ${missing} of 8 units dropped`);
  net(pictures.masked, `A sub-network without ${missing} of its 8 units`, last, says[nets - 1]);
  pictures.whole.retitle(`The mean network: all units, times ${Number(whole[0].toFixed(4))}`);
  net(pictures.whole, "The mean network with all 8 units", whole, test);
  pictures.strip.retitle(`Masks, one a column, ${shown} of ${nets}: filled, kept; faint, dropped`);
  pictures.strip.paint(`Masks of ${shown} sub-networks, units dropped with p = ${p}`,
    (ctx, width, height) => drawStrip(ctx, width, height, masks, colors));
  pictures.curve.paint(`The average of ${nets} sub-networks ends at ${number(drawn)}, that of all masks is `
    + `${number(every.mean)}, the mean network says ${number(test)}`,
    (ctx, width, height) => drawCurve(ctx, width, height, result, colors));
  const run = pictures.training.now(state);
  if (run) {
    const { chart } = pictures.training, at = run.lanes[0].errors.length;
    chart.retitle(`Error on 100 of 200 training patches (dotted) and on 100 test patches (solid) after ${at} of ${EPOCHS} epochs: `
      + "orange without dropout, blue with it. The farther the two lines of a color part, the more it overfits.");
    chart.paint(`Training and test error of two networks after ${at} epochs: `
      + run.lanes.map(({ p, errors }) => `p = ${p}: ${errors.at(-1)?.join(" and ") ?? "not yet"}`).join("; "),
    (ctx, width, height) => drawTraining(ctx, width, height, run, colors));
  }
  const rows = [["Unit", ...whole.map((_, i) => i + 1)], ["Channel of conv1", ...data.maps],
    ["Activation", ...data.activations], ["Weight", ...data.weights], [`Kept, of ${nets}`, ...kept]];
  pictures.table.replaceChildren(...rows.filter((row) => row.length > 1).map((row, at) =>
    node("tr", {}, ...row.map((text, i) => node(at && i ? "td" : "th", {}, String(text))))));
}

const checked = ({ output }, data, { kept, last, drawn, every, test }) => [drawn, every.mean, test,
  ...(output === "softmax" ? [every.geometric] : []), ...last.map(Boolean).map(Number), ...kept];

export default explorer({ title: "Dropout", prepare, build, compute, draw, summary, checked, sweep: "p",
  style: ".whole { grid-column: span 12; }" });
