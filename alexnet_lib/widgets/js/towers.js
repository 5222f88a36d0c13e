// Two towers, one on each GPU (§3.2): who reads what, and what is transferred between them.

const LEFT = 50; // pixels for the layers' names

const grouped = (count) => count.toLocaleString("en-US");
const kind = ({ size }) => (size === null ? "units" : "channels");

// First and last of `count` channels on a tower, "1" or "2".
export function half(count, tower) {
  return tower === "1" ? [0, count / 2 - 1] : [count / 2, count - 1];
}

// Values transferred for one image before each layer from conv2 on; `crossings`: if it reads both towers.
export function sent({ layers, crossings }, { wiring, training }) {
  return layers.slice(1).map(({ name }) => (crossings[wiring][name] ?? 0) * (training ? 2 : 1));
}

const megabytes = (numbers, { batch, bytes }) => (numbers * batch * bytes) / 1e6;

export function summary(state, { layers, crossings }, { total }) {
  const { layer, tower, wiring, training, batch, bytes } = state;
  const { channels, below, ...rest } = layers.find(({ name }) => name === layer);
  const whose = layer in crossings[wiring]
    ? `all ${channels} ${kind(rest)} of ${below}, ${channels / 2} of them from GPU ${3 - tower}`
    : `${kind(rest)} ${half(channels, tower).join(" to ")} of ${below}, its own half`;
  return `${layer} on GPU ${tower} reads ${whose}; the whole network transfers ${grouped(total)} `
    + `values for one image, forward${training ? " and backward" : ""}: ${number(megabytes(total, state))} MB `
    + `for a batch of ${batch} at ${bytes} byte${bytes === 1 ? "" : "s"} each.`;
}

const prepare = (model) => model.get("data");

function compute(state, data) {
  const numbers = sent(data, state);
  return { numbers, total: numbers.reduce((all, some) => all + some, 0) };
}

function build({ parent, change, data: { layers } }) {
  const pick = (x, y) => {
    const row = Math.floor(y * (layers.length + 1)); // the image is row 0, conv1 row 1
    if (row > 1) change({ layer: layers[row - 1].name, tower: x < 0.55 ? "1" : "2" });
  };
  const towers = picture(parent, {
    caption: "Each layer's channels or units on GPU 1, left, and GPU 2, right. Blue: read from the same GPU; "
      + "orange, dashed: from the other. Thick: what the chosen layer reads. Click a box to choose.",
    columns: 6, aspect: 0.85, onpick: pick,
  });
  const rows = node("tbody");
  const heads = ["Layer", "reads", "transfers, per image", "per batch"]
    .map((head) => node("th", { scope: "col" }, head));
  const count = node("p", { class: "count" });
  const table = node("table", {}, node("thead", {}, node("tr", {}, ...heads)), rows);
  const scroll = { class: "scroll", tabindex: 0, role: "region", "aria-label": "What is transferred" };
  parent.append(node("div", { class: "half" }, node("div", scroll, table), count));
  return { towers, rows, count };
}

function fill({ state, data: { layers, crossings }, result: { numbers, total }, pictures: { rows, count } }) {
  const row = (...words) => node("tr", {}, ...words.map((word) => node("td", {}, word)));
  const costs = (some) => [grouped(some), `${number(megabytes(some, state))} MB`];
  rows.replaceChildren(
    ...layers.slice(1).map(({ name, below }, i) =>
      row(name, `${below}, ${name in crossings[state.wiring] ? "both" : "own"}`, ...costs(numbers[i]))),
    row("all", "", ...costs(total)));
  const back = state.training ? "and its gradient in the backward pass" : "forward only";
  count.textContent = "Counted: every activation that one GPU computes and a layer on the other reads, once for "
    + `each image, in both directions, ${back}. Not counted: the images, which both GPUs get, and the `
    + "weights, which stay. The 1000 classes are split in half too; the paper does not say.";
}

function drawTowers(ctx, width, height, { layer, tower, wiring }, { layers, crossings }, colors) {
  const step = height / (layers.length + 1), wide = (width - LEFT - 16) / 2, tall = step * 0.5;
  const center = { 1: LEFT + wide / 2, 2: width - wide / 2 - 1 }, y = (row) => (row + 0.5) * step;
  const box = (x, row, breadth, words) => {
    ctx.strokeStyle = colors.quiet;
    ctx.lineWidth = 1;
    ctx.fillStyle = colors.panel;
    ctx.fillRect(x - breadth / 2, y(row) - tall / 2, breadth, tall);
    ctx.strokeRect(x - breadth / 2, y(row) - tall / 2, breadth, tall);
    ctx.fillStyle = colors.ink;
    ctx.fillText(words, x, y(row));
  };
  const line = (from, to, row, chosen) => {
    ctx.strokeStyle = from === to ? colors.plus : colors.minus;
    ctx.lineWidth = chosen ? 5 : 1.5;
    ctx.setLineDash(from === to ? [] : [6, 4]);
    ctx.beginPath();
    ctx.moveTo(center[from], y(row - 1) + tall / 2);
    ctx.lineTo(center[to], y(row) - tall / 2);
    ctx.stroke();
    ctx.setLineDash([]);
  };
  ctx.textBaseline = "middle";
  ctx.textAlign = "center";
  const { channels, size } = layers[0];
  box((center[1] + center[2]) / 2, 0, width - LEFT - 2, `image, ${channels} x ${size} x ${size}`);
  layers.forEach(({ name, units }, i) => {
    for (const to of ["1", "2"]) {
      for (const from of name in crossings[wiring] ? ["1", "2"] : [to]) {
        line(from, to, i + 1, name === layer && to === tower);
      }
      const words = i + 1 === layers.length ? "classes" : kind(layers[i + 1]);
      box(center[to], i + 1, wide, `${words} ${half(units, to).join(" to ")}`);
      if (name !== layer || to !== tower) continue;
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 3;
      ctx.strokeRect(center[to] - wide / 2, y(i + 1) - tall / 2, wide, tall);
    }
    ctx.fillText(name, LEFT / 2 - 4, y(i + 1));
  });
}

function draw(all) {
  const { state, data, pictures, colors } = all;
  const across = Object.keys(data.crossings[state.wiring]).join(", ") || "no layer";
  pictures.towers.paint(
    `Two columns of boxes, one for each GPU; from both reads ${across}, from their own the others`,
    (ctx, width, height) => drawTowers(ctx, width, height, state, data, colors));
  fill(all);
}

const checked = ({ batch, bytes }, data, { numbers, total }) => [...numbers, total * batch * bytes];

const style = `
.half { grid-column: span 6; min-width: 0; }
.count { margin-top: 0.5rem; font-size: 0.85rem; color: var(--quiet); }
@container (max-width: 60rem) { .half { grid-column: span 12; } }
`;
export default explorer({ title: "Two towers", prepare, build, compute, draw, summary, checked, style, sweep: "batch" });
