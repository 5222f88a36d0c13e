// The whole network on one photograph: every channel of every layer, and the sum behind any one activation.

const CONVS = { conv1: 96, conv2: 256, conv3: 384, conv4: 384, conv5: 256 };
const POOLS = { "3/2": { z: 3, s: 2 }, "2/2": { z: 2, s: 2 } };
const SILENT = { both: 0, "without-1": 1, "without-2": 2 };
const SWITCHES = ["norm", "pooling", "towers", "conv3", "crops"];
const COUNT = new Intl.NumberFormat("en-US");

const HINTS = {
  norm: {
    "over-n": "α is divided by n = 5, as in torch's own layer: the divisor shrinks, so conv1's and conv2's values grow. Do the scores move?",
    before: "The norm now sees negative sums too, as in layer 1 of the original code. Compare conv1's channels.",
    off: "Nothing divides a strong response by its neighbors any more. Watch the peaks under conv1 and conv2.",
  },
  pooling: { "2/2": "Windows no longer overlap: each value is read once. Look at conv2 and later, whose input has changed." },
  towers: {
    "without-1": "Tower 1 is silent: all its values are 0. conv3 and fc6 read half of nothing. Does tower 2 still know?",
    "without-2": "Tower 2 is silent: all its values are 0. conv3 and fc6 read half of nothing. Does tower 1 still know?",
  },
  conv3: { cut: "conv3 reads its own tower only. The first change is in conv3; the towers next meet in fc6." },
  crops: { ten: "Ten views of one picture, ten answers, and their average. Which crop is furthest from the others?" },
};

const wordOf = (p, value) => p.options.find(([one]) => one === value)[1];

export function summary(state, params, own = "") {
  const word = Object.fromEntries(params.filter((p) => p.kind === "choice").map((p) => [p.name, wordOf(p, state[p.name])]));
  const beside = state.compare ? ", beside the network as trained" : "";
  const what = own ? "your picture" : `the photograph “${word.photo}”`;
  return `The network reads ${what}: LRN ${word.norm}, pooling ${word.pooling}, ${word.towers}, `
    + `communication at conv3 ${word.conv3}, ${word.crops}. Open: ${state.layer}, `
    + `channel ${state.channel % CONVS[state.layer]}, ${state.across} % across and ${state.down} % down${beside}.`;
}

// ---------------------------------------------------------------- what the layers hold

// The stages of one layer in the order in which they run; for a convolution up to pooling.
function stagesOf(result, layer) {
  const number = numberOf(layer);
  return result.stages.filter(({ name }) => numberOf(name) === number && !name.startsWith("pool"));
}
const shownStage = (result, layer) => stagesOf(result, layer).at(-1);

// What a layer reads: the last stage of the layer before it, or the crop.
function inputOf(result, layer) {
  const first = result.stages.findIndex(({ name }) => name === layer);
  return first > 0 ? result.stages[first - 1] : { name: "image", ...result.input };
}

// Values that go from tower to tower before each layer that reads all channels.
export function crossings(header, result, cut) {
  const found = {};
  for (const layer of header.layers) {
    if (layer.groups > 1 || layer.in === 3) continue;
    const { maps, size } = inputOf(result, layer.name);
    found[layer.name] = cut && layer.kernel ? 0 : maps * size * size;
  }
  return found;
}

// The weights of one kernel, (in / groups, kernel, kernel), from the file.
function kernelOf(file, layer, channel) {
  const { shape, at, scales } = file.header.tensors[`features.${layer.name}.weight`];
  const size = shape[1] * shape[2] * shape[3];
  const scale = new Float32Array(file.body, scales, shape[0])[channel];
  return Float32Array.from(new Int8Array(file.body, at + channel * size, size), (level) => level * scale);
}

// The sum that one activation is made of: a term for each channel that it reads, and the bias.
export function sumOf(file, result, layer, channel, row, column, cut) {
  const { kernel: z, stride, padding, groups, out } = layer;
  const input = inputOf(result, layer.name), weights = kernelOf(file, layer, channel);
  const read = layer.in / groups, first = Math.floor(channel / (out / groups)) * read;
  const towers = file.header.towers, tower = Math.floor(channel / (out / towers));
  const terms = [];
  for (let map = 0; map < read; map++) {
    const source = first + map, of = Math.floor(source / (layer.in / towers));
    let sum = 0;
    for (let y = 0; y < z; y++) {
      for (let x = 0; x < z; x++) {
        const top = row * stride + y - padding, left = column * stride + x - padding;
        if (top < 0 || left < 0 || top >= input.size || left >= input.size) continue;
        sum += weights[(map * z + y) * z + x] * input.values[(source * input.size + top) * input.size + left];
      }
    }
    const away = layer.in > 3 && of !== tower;
    terms.push({ source, away, value: away && cut ? 0 : sum });
  }
  const bias = new Float32Array(file.body, file.header.tensors[`features.${layer.name}.bias`].at, out)[channel];
  return { terms, bias, total: terms.reduce((sum, { value }) => sum + value, bias) };
}

// ---------------------------------------------------------------- drawing

// All channels of a tower as one picture, `across` tiles wide; a value of `peak` has the full color.
function mosaic({ values, size }, first, count, across, peak, color, ground, gap) {
  const rows = Math.ceil(count / across), step = size + gap;
  const image = new ImageData(across * step - gap, rows * step - gap);
  for (let i = 0; i < count; i++) {
    const left = (i % across) * step, top = Math.floor(i / across) * step, from = (first + i) * size * size;
    for (let at = 0; at < size * size; at++) {
      const share = Math.min(1, Math.max(0, values[from + at] / peak)) ** 0.6; // small values stay visible
      const to = 4 * ((top + Math.floor(at / size)) * image.width + left + (at % size));
      for (let c = 0; c < 3; c++) image.data[to + c] = ground[c] + share * (color[c] - ground[c]);
      image.data[to + 3] = 255;
    }
  }
  return canvasOf(image);
}
// A gray part of a picture in a tower's color: black is the ground.
function tinted(picture, [x, y, w, h], color, ground) {
  const canvas = new OffscreenCanvas(w, h), ctx = canvas.getContext("2d");
  ctx.drawImage(picture, x, y, w, h, 0, 0, w, h);
  const image = ctx.getImageData(0, 0, w, h);
  for (let i = 0; i < image.data.length; i += 4) {
    const share = image.data[i] / 255;
    for (let c = 0; c < 3; c++) image.data[i + c] = ground[c] + share * (color[c] - ground[c]);
  }
  return canvasOf(image);
}
const peakOf = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
const towerColors = (colors) => [rgb(colors.plus), rgb(colors.minus)];

const SHOWN = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"];
const NARROW = 560;

// Where everything of the overview goes, for a canvas of this width: from left to right, or from top to bottom.
function overviewLayout(width) {
  if (width >= NARROW) {
    const height = Math.min(400, Math.max(270, width * 0.46)), shares = [1.25, 1.35, 1.15, 1, 1, 0.9, 0.34, 0.34];
    const gap = width * 0.029, unit = (width - 8 - gap * 7) / shares.reduce((a, b) => a + b);
    const room = (height - 64) / 2, boxes = [];
    let x = 4 + shares[0] * unit + gap;
    const image = { x: 4, y: 22 + room - (shares[0] * unit) / 2 + 4, w: shares[0] * unit, h: shares[0] * unit };
    SHOWN.forEach((layer, i) => {
      const w = shares[i + 1] * unit, h = layer.startsWith("fc") ? room : Math.min(room, [room, room * 0.92, room * 0.84, room * 0.84, room * 0.76][i]);
      for (const tower of [0, 1]) {
        const y = tower === 0 ? 18 + (room - h) / 2 : 30 + room + (room - h) / 2;
        boxes.push({ layer, tower, x, y, w, h });
      }
      x += w + gap;
    });
    return { height, image, boxes, wide: true, label: (b) => [b.x + b.w / 2, height - 20] };
  }
  const boxes = [], w = (width - 24) / 2, size = Math.min(110, width * 0.3);
  let y = size + 34;
  for (const layer of SHOWN) {
    const h = layer.startsWith("fc") ? 20 : layer === "conv1" ? 96 : 84;
    for (const tower of [0, 1]) boxes.push({ layer, tower, x: 4 + tower * (w + 16), y, w, h });
    y += h + 46;
  }
  return { height: y - 22, image: { x: (width - size) / 2, y: 4, w: size, h: size }, boxes, wide: false,
    label: (b) => [width / 2, b.y + b.h + 15] };
}

function link(ctx, from, to, wide, color, dashed) {
  const [x1, y1, x2, y2] = wide
    ? [from.x + from.w, from.y + from.h / 2, to.x, to.y + to.h / 2]
    : [from.x + from.w / 2, from.y + from.h, to.x + to.w / 2, to.y];
  ctx.strokeStyle = color;
  ctx.lineWidth = dashed ? 1.6 : 1.2;
  ctx.setLineDash(dashed ? [4, 3] : []);
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  if (wide) ctx.bezierCurveTo((x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
  else ctx.bezierCurveTo(x1, (y1 + y2) / 2, x2, (y1 + y2) / 2, x2, y2);
  ctx.stroke();
  ctx.setLineDash([]);
}

function centered(ctx, words, x, y, color, font = "12px system-ui, sans-serif", behind = "") {
  ctx.font = font;
  ctx.textAlign = "center";
  if (behind) {
    const half = ctx.measureText(words).width / 2 + 3;
    ctx.fillStyle = behind;
    ctx.fillRect(x - half, y - 11, 2 * half, 15);
  }
  ctx.fillStyle = color;
  ctx.fillText(words, x, y);
  ctx.textAlign = "start";
}

function drawOverview(ctx, width, plan, { state, header, result, photo, still, colors, tiles, hover }) {
  const { boxes, image, wide } = plan, cut = state.conv3 === "cut", silent = SILENT[state.towers] - 1;
  const crossing = result && crossings(header, result, cut);
  const box = (layer, tower) => boxes.find((one) => one.layer === layer && one.tower === tower);
  SHOWN.forEach((layer, i) => {
    for (const tower of [0, 1]) {
      const to = box(layer, tower);
      if (i === 0) { link(ctx, image, to, wide, colors.quiet, false); continue; }
      for (const other of [0, 1]) {
        const meets = ["conv3", "fc6", "fc7"].includes(layer);
        if (other !== tower && (!meets || (layer === "conv3" && cut))) continue;
        link(ctx, box(SHOWN[i - 1], other), to, wide, other === tower ? colors.quiet : colors.mark, other !== tower);
      }
    }
  });
  if (still && !result) {
    ctx.drawImage(still.picture, ...still.places.image, image.x, image.y, image.w, image.h);
  } else if (photo) {
    const edge = header ? (header.side - header.crop) / 2 : 0;
    ctx.drawImage(photo, edge, edge, photo.width - 2 * edge, photo.height - 2 * edge, image.x, image.y, image.w, image.h);
  } else {
    ctx.fillStyle = colors.panel;
    ctx.fillRect(image.x, image.y, image.w, image.h);
  }
  ctx.strokeStyle = colors.line;
  ctx.lineWidth = 1;
  ctx.strokeRect(image.x, image.y, image.w, image.h);
  for (const one of boxes) {
    const { layer, tower, x, y, w, h } = one;
    ctx.fillStyle = colors.panel;
    ctx.fillRect(x, y, w, h);
    if (result) {
      const stage = shownStage(result, layer), share = stage.maps / 2;
      const name = `${layer}.${tower}.${Math.round(w)}`;
      const ratio = w / h;
      tiles[name] ||= mosaic(stage, tower * share, share, Math.max(1, Math.round(Math.sqrt(share * ratio))),
        peakOf(stage.values), towerColors(colors)[tower], rgb(colors.ground), layer.startsWith("fc") ? 0 : 1);
      ctx.imageSmoothingEnabled = !layer.startsWith("fc");
      ctx.imageSmoothingQuality = "high";
      ctx.drawImage(tiles[name], x, y, w, h);
    } else if (still) {
      tiles[`${layer}.${tower}.still`] ||= tinted(still.picture, still.places[`${layer}.${tower}`], towerColors(colors)[tower], rgb(colors.ground));
      ctx.drawImage(tiles[`${layer}.${tower}.still`], x, y, w, h);
    } else {
      ctx.globalAlpha = 0.28;
      ctx.fillStyle = tower ? colors.minus : colors.plus;
      ctx.fillRect(x, y, w, h);
      ctx.globalAlpha = 1;
    }
    const open = layer === (hover ?? state.layer);
    ctx.strokeStyle = open ? colors.mark : colors.line;
    ctx.lineWidth = open ? 2.5 : 1;
    ctx.strokeRect(x, y, w, h);
    if (tower === silent) centered(ctx, "silent", x + w / 2, y + h / 2 + 4, colors.quiet);
    if (tower) continue;
    const [lx, ly] = plan.label(one), stage = result && shownStage(result, layer);
    const shape = stage && (stage.size > 1 ? `${stage.maps} × ${stage.size} × ${stage.size}` : `${stage.maps}`);
    if (wide) {
      centered(ctx, layer, lx, ly, colors.ink, "600 12px system-ui, sans-serif");
      if (stage && w > 40) centered(ctx, shape, lx, ly + 14, colors.quiet, "11px system-ui, sans-serif");
    } else {
      centered(ctx, stage ? `${layer} · ${shape}` : layer, lx, ly, colors.ink, undefined, colors.ground);
    }
  }
  if (wide) {
    ctx.font = "600 12px system-ui, sans-serif";
    ctx.fillStyle = colors.plus;
    ctx.fillText("tower 1", image.x, 30);
    ctx.fillStyle = colors.minus;
    ctx.fillText("tower 2", image.x, plan.height - 36);
  }
  if (!crossing) return;
  for (const layer of ["conv3", "fc6", "fc7"]) {
    const to = box(layer, 0), before = box(SHOWN[SHOWN.indexOf(layer) - 1], 0);
    const words = crossing[layer] ? `⇄ ${COUNT.format(crossing[layer])}` : "cut";
    const shift = { conv3: 0, fc6: -22, fc7: 16 }[layer]; // the gaps beside fc6 are narrower than two numbers
    if (wide) centered(ctx, words, Math.min(width - 24, (before.x + before.w + to.x) / 2 + shift), 12, colors.mark, "11px system-ui, sans-serif");
    else centered(ctx, words, width / 2, to.y - 6, colors.mark, "11px system-ui, sans-serif", colors.ground);
  }
}

// ---------------------------------------------------------------- the widget

const NET_STYLE = `
:host { --on: #fff; }
:host([data-dark]) { --on: #10151c; }
.stage { display: grid; grid-template-columns: minmax(0, 1fr) 13.5rem; gap: 0.75rem 1rem; align-items: start; }
.stage figure { grid-column: 1; }
.overview canvas { cursor: pointer; }
.scores { display: grid; gap: 0.15rem; font-size: 0.85rem; align-content: start; }
.score { display: grid; grid-template-columns: minmax(0, 1fr) 3.2rem; gap: 0 0.4rem; }
.score .bar { grid-column: 1 / -1; height: 7px; background: var(--panel); border-radius: 3px; position: relative; }
.score .bar i { position: absolute; inset: 0 auto 0 0; background: var(--quiet); border-radius: 3px; }
.score.best .bar i { background: var(--mark); }
.score.best { font-weight: 650; }
.score .bar b { position: absolute; top: -2px; bottom: -2px; width: 2px; background: var(--ink); }
.score output { text-align: right; font-variant-numeric: tabular-nums; }
.overview { position: relative; }
.switches { display: flex; flex-wrap: wrap; gap: 0.5rem 1.4rem; align-items: end; }
.switches .option, .place fieldset .option { min-height: 0; }
.switches fieldset, .place fieldset { display: flex; flex-wrap: wrap; }
.switches legend, .place legend { font-size: 0.8rem; font-weight: 600; color: var(--quiet); }
:is(.switches, .place) fieldset .option { position: relative; gap: 0; }
:is(.switches, .place) fieldset input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
:is(.switches, .place) fieldset label { padding: 0.22rem 0.6rem; border: 1px solid var(--quiet); margin-left: -1px;
  font-size: 0.86rem; background: var(--ground); min-height: 30px; display: flex; align-items: center; }
:is(.switches, .place) fieldset .option:first-of-type label { border-radius: 5px 0 0 5px; }
:is(.switches, .place) fieldset .option:last-of-type label { border-radius: 0 5px 5px 0; }
:is(.switches, .place) fieldset input:checked + label { background: var(--plus); border-color: var(--plus); color: var(--on); }
:is(.switches, .place) fieldset input:focus-visible + label { outline: 3px solid var(--plus); outline-offset: 2px; z-index: 1; }
.place { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.1rem 1.5rem; align-items: end;
  border-top: 1px solid var(--line); padding-top: 0.6rem; }
.layers { display: flex; flex-wrap: wrap; gap: 4px; }
.layers button { font-size: 0.84rem; padding: 0.1rem 0.6rem; }
.layers button[data-on] { border-color: var(--mark); box-shadow: inset 0 -3px var(--mark); }
.fact { padding: 0.45rem 0.7rem; background: var(--panel); border-radius: 5px; }
.fact a { color: var(--pst-color-link, var(--plus)); }
.hero .stage:not(:has(.score)) { grid-template-columns: minmax(0, 1fr); }
.strip { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; border: 2px dashed transparent; border-radius: 6px; }
.strip.over { border-color: var(--mark); }
.strip fieldset { display: flex; flex-wrap: wrap; gap: 6px; }
.strip legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.thumb { position: relative; }
.thumb input { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0; cursor: pointer; }
.thumb label { display: grid; place-items: end center; width: 48px; height: 48px; border-radius: 5px; font-size: 10px;
  line-height: 1.1; background: var(--panel) center / cover; border: 1px solid var(--line); overflow: hidden; text-align: center; padding: 2px; }
.thumb label.seen { color: transparent; }
.thumb input:checked + label { outline: 3px solid var(--mark); outline-offset: 1px; }
.thumb input:focus-visible + label { outline: 3px solid var(--plus); outline-offset: 3px; }
.start { position: absolute; left: 50%; top: 42%; transform: translate(-50%, -50%); font-weight: 650; font-size: 1.05rem; box-shadow: 0 2px 12px #0004; background: var(--plus); color: var(--on); border-color: var(--plus); padding: 0.35rem 1.1rem; }
.hero .start { position: static; transform: none; box-shadow: none; margin-right: auto; }
.hero .row-of-layers { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; }
.hint { padding: 0.35rem 0.6rem; border-left: 4px solid var(--mark); background: var(--panel); font-size: 0.92rem; }
/* as .note of the shared style, which is for the address */
.problem { padding: 0.4rem 0.6rem; border-left: 4px solid var(--minus); background: var(--panel); }
.own { font-size: 0.85rem; color: var(--quiet); }
.answer { font-size: 1.02rem; }
.near { display: flex; gap: 0.5rem; align-items: center; font-size: 0.82rem; color: var(--quiet); margin-top: 0.4rem; }
.near canvas { width: 40px; height: 40px; flex: none; border-radius: 4px; }
.sum td.bar { width: 45%; padding: 0; }
.sum td.bar span { display: block; height: 10px; }
.sum .number { text-align: right; }
.right { grid-column: span 6; display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 0.6rem; align-content: start; }
.sums { grid-column: 1 / -1; min-width: 0; }
.compared .right { grid-column: 1 / -1; }
.compared .right figure { grid-column: span 2; }
.compared .sums { grid-column: span 6; }
@container (max-width: 52rem) {
  .stage { grid-template-columns: minmax(0, 1fr); }
  .scores { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.15rem 1rem; }
  .near { grid-column: 1 / -1; }
}
@container (max-width: 36rem) {
  .place { grid-template-columns: minmax(0, 1fr); }
  .right, .compared .right { grid-column: 1 / -1; }
  .right figure, .compared .right figure { grid-column: span 4; }
  .compared .sums { grid-column: 1 / -1; }
}
`;

// What the landing page says of a layer: shape and parameters at the paper's 224 pixels (§3.5), and its chapter.
const FACTS = {
  conv1: ["96 × 55 × 55", 34_944, "48 kernels of 11 × 11 × 3 on each card, and ReLU makes learning fast", "3_1_relu_nonlinearity", "3.1"],
  conv2: ["256 × 27 × 27", 307_456, "each card reads its own 48 channels, after response normalization", "3_3_local_response_normalization", "3.3"],
  conv3: ["384 × 13 × 13", 885_120, "the only convolution that reads both cards", "3_2_training_on_multiple_gpus", "3.2"],
  conv4: ["384 × 13 × 13", 663_936, "apart again: each card reads its own 192 channels", "3_5_overall_architecture", "3.5"],
  conv5: ["256 × 13 × 13", 442_624, "then pooling over windows that overlap", "3_4_overlapping_pooling", "3.4"],
  fc6: ["4096", 37_752_832, "six of ten parameters are here; dropout keeps them honest", "4_2_dropout", "4.2"],
  fc7: ["4096", 16_781_312, "two pictures are alike if these values are", "6_1_qualitative_evaluations", "6.1"],
  fc8: ["1000", 4_097_000, "one score for each class; ten here", "6_results", "6"],
};

async function renderNet({ model, el }) {
  const params = model.get("params"), prefix = `net-${(copies += 1)}`;
  const byName = Object.fromEntries(params.map((p) => [p.name, p]));
  const values = () => Object.fromEntries(params.map((p) => [p.name, model.get(p.name)]));
  // What is not in the address: the file, the engine, the reader's own picture, results, what is pointed at.
  const net = { engine: null, file: null, thumbs: {}, pixels: null, photo: null, own: "", result: null,
    trained: null, near: "", hover: null, spot: null, tiles: {}, sheets: {}, heat: null, hint: "", busy: "", torch: "" };
  let moved = false, ended = false;

  const shadow = el.attachShadow({ mode: "open" });
  const change = (changes) => {
    moved = true;
    for (const name of Object.keys(changes)) {
      if (name in HINTS) net.hint = HINTS[name][changes[name]] ?? "";
      if (name === "photo") net.own = "";
    }
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
    model.page?.remember(values());
    if (!net.engine && !("compare" in changes)) start();
  };

  // ---- the parts of the page
  const note = node("p", { class: "note", role: "alert", hidden: "" });
  const problem = node("p", { class: "problem", role: "alert", hidden: "" });
  const say = (words) => { problem.textContent = words; problem.hidden = !words; };
  const made = Object.fromEntries(params.filter((p) => p.name !== "photo").map((p) =>
    [p.name, (p.kind === "choice" ? radioGroup : controlFor)(p, `${prefix}-${p.name}`, change)]));
  const switches = node("div", { class: "switches" }, ...[...SWITCHES, "compare"].map((name) => made[name].element));
  const place = node("div", { class: "place" }, ...["layer", "channel", "across", "down"].map((name) => made[name].element));

  const thumbs = byName.photo.options.map(([name, title]) => {
    const input = node("input", { type: "radio", name: `${prefix}-photo`, id: `${prefix}-photo-${name}`, value: name, "data-name": "photo" });
    input.addEventListener("change", () => change({ photo: name }));
    input.addEventListener("click", () => { if (net.own) change({ photo: name }); });
    return { name, input, label: node("label", { for: input.id, title }, title) };
  });
  const photoSet = node("fieldset", {}, node("legend", {}, "Photograph"),
    ...thumbs.map(({ input, label }) => node("div", { class: "thumb" }, input, label)));
  const startButton = button("▶ Start: run the network in this page", () => start());
  startButton.className = "start";
  const strip = node("div", { class: "strip" }, photoSet);
  const promise = node("p", { class: "own" }, "Or drop a picture anywhere here. It stays in this page: nothing is uploaded.");

  const answer = node("p", { class: "answer" });
  const hint = node("p", { class: "hint", hidden: "" });
  const stageBox = node("div", { class: "stage" });
  const overviewBox = node("div", { class: "overview" });
  const overview = picture(overviewBox, { caption: "", aspect: 2.2,
    onpick: (x, y) => {
      const layer = layerAt(x, y);
      if (layer && hero) tell(layer);
      else if (layer in CONVS) change({ layer });
    } });
  const overviewCanvas = overviewBox.querySelector("canvas");
  const scores = node("div", { class: "scores" });
  overviewBox.append(startButton);
  stageBox.append(overviewBox, scores);

  const detail = node("div", { class: "pictures", hidden: "" });
  const pick = (x, y) => change({ across: Math.round(x * 100), down: Math.round(y * 100) });
  const sheet = picture(detail, { caption: "", columns: 6, aspect: 1.1, onpick: (x, y) => {
    const { across, rows, count } = sheetGrid(values().layer);
    change({ channel: Math.min(count - 1, Math.floor(y * rows) * across + Math.floor(x * across)) });
  } });
  const beside = picture(detail, { caption: "", columns: 6, aspect: 1.1 });
  const besideFigure = detail.lastChild;
  const right = node("div", { class: "right" });
  const small = { columns: 4, narrow: 4, aspect: 1 };
  const photoView = picture(right, { ...small, caption: "", onpick: pick });
  const kernelView = picture(right, { ...small, caption: "" });
  const mapView = picture(right, { ...small, caption: "", onpick: pick });
  const sums = node("div", { class: "sums" });
  right.append(sums);
  detail.append(right);
  const views = [...right.querySelectorAll("canvas")];
  for (const canvas of detail.querySelectorAll("canvas")) canvas.setAttribute("aria-label", "Not computed yet");
  for (const canvas of [views[0], views[2]]) {
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      net.spot = { across: (100 * (event.clientX - box.left)) / box.width, down: (100 * (event.clientY - box.top)) / box.height };
      frame.ask();
    });
    canvas.addEventListener("pointerleave", () => { net.spot = null; frame.ask(); });
  }

  const hide = button("What matters? Hide one part after the other", toggleOcclusion);
  const buttons = node("div", { class: "buttons" }, button("Paper values", () => {
    model.set("note", "");
    net.hint = "";
    change(Object.fromEntries(params.map((p) => [p.name, p.paper])));
  }));
  const told = node("span", { role: "status" });
  if (model.page) buttons.append(button("Copy link to this setting", () => model.page.copyLink(told)), told);
  buttons.append(hide);
  const sentence = node("p", { class: "summary" });
  const badge = node("p", { class: "badge" });
  const region = node("p", { class: "hidden", "aria-live": "polite" });
  const body = node("div", { class: "body", role: "group", "aria-label": "The network" },
    note, problem, strip, promise, answer, stageBox, switches, hint, buttons, place, detail, sentence, badge, region);
  shadow.append(node("style", {}, STYLE + NET_STYLE), node("div", { class: "widget" }, body));
  guardKeys(body);
  strip.append(...pictureInput({ zone: body, mark: strip, words: "Your picture …", take: takePicture }));
  const speak = announcer(region);

  // ---- the light form for the landing page: no switches, and a line on the layer that is pointed at
  const hero = model.get("hero")?.places ? model.get("hero") : null;
  const fact = node("p", { class: "fact" });
  const tell = (layer) => {
    const [shape, parameters, words, page, chapter] = FACTS[layer];
    const link = node("a", { href: `${page}.html` }, `chapter ${chapter}`);
    fact.replaceChildren(node("b", {}, layer), ` ${shape} · ${COUNT.format(parameters)} parameters · ${words} · `, link);
    for (const one of layerButtons.children) one.toggleAttribute("data-on", one.textContent === layer);
    net.told = layer;
    frame.ask();
  };
  const layerButtons = node("div", { class: "layers", role: "group", "aria-label": "Layers" }, ...Object.keys(FACTS).map((layer) => {
    const made = button(layer, () => tell(layer));
    for (const event of ["pointerenter", "focus"]) made.addEventListener(event, () => tell(layer));
    return made;
  }));
  if (hero) {
    const picture = new Image();
    picture.src = hero.source;
    picture.decode().then(() => { net.still = { picture, places: hero.places }; frame.ask(); });
    for (const part of [switches, buttons, place, promise, sentence]) part.hidden = true;
    stageBox.after(node("div", { class: "row-of-layers" }, layerButtons, startButton), fact);
    body.classList.add("hero");
    startButton.textContent = "▶ Run it in this page";
  }

  // ---- work
  let starting = null;
  function start() {
    starting ||= open().catch((error) => {
      starting = null;
      net.busy = "";
      say(`The network did not start: ${error.message}.`);
      frame.ask();
    });
    return starting;
  }
  async function open() {
    net.busy = "Loading the network ...";
    frame.ask();
    const { engine, file, photos, jpegs } = await openNetwork(model);
    Object.assign(net, { engine, file, thumbs: photos });
    startButton.hidden = true;
    for (const { name, label } of thumbs) {
      label.style.backgroundImage = `url(data:image/jpeg;base64,${jpegs[name].jpeg})`;
      label.classList.add("seen");
    }
    net.busy = "";
    say("");
    await compute();
    rankPhotos();
  }

  // The newest question wins: while one is computed, only the last that came meanwhile is kept.
  let running = false, again = false;
  async function compute() {
    if (!net.engine) return;
    if (running) { again = true; return; }
    running = true;
    do {
      again = false;
      const state = values();
      if (!net.own) net.pixels = net.thumbs[state.photo];
      const pixels = net.pixels;
      const switches = (of) => ({ norm: of.norm, pool: POOLS[of.pooling], silent: SILENT[of.towers], cut: of.conv3 === "cut", crops: of.crops });
      try {
        const paper = Object.fromEntries(params.map((p) => [p.name, p.paper]));
        const asTrained = SWITCHES.every((name) => state[name] === paper[name]);
        const key = JSON.stringify(switches(state));
        if (net.trained?.pixels !== pixels) {
          net.trained = await net.engine.ask("run", { pixels: pixels.data, ...switches(paper) });
          net.trained.pixels = pixels;
        }
        const result = asTrained ? net.trained : await net.engine.ask("run", { pixels: pixels.data, ...switches(state) });
        Object.assign(net, { result, photo: canvasOf(pixels), tiles: {}, sheets: {}, heat: net.heat?.key === key && net.heat.pixels === pixels ? net.heat : null, torch: "" });
        el.result = result;
        if (!model.page) checkInTorch(pixels, state, result);
      } catch (error) {
        say(`These settings cannot be computed: ${error.message}. The last picture stays.`);
      }
      frame.ask();
    } while (again && !ended);
    running = false;
  }
  function checkInTorch(pixels, state, result) {
    const logits = Float32Array.from(result.logits.flatMap((one) => [...one]));
    askKernel(model, { ask: "check", setting: state }, [pixels.data.buffer.slice(0), logits.buffer]).then(({ apart }) => {
      if (net.result !== result) return;
      const agrees = apart < 1e-4;
      net.torch = `torch ${agrees ? "agrees" : "DISAGREES"}: scores differ by ${apart.toExponential(1)} of the largest`;
      frame.ask();
    });
  }

  // Features of the ten photographs, to find the nearest by the last hidden layer (§6.1).
  async function rankPhotos() {
    net.features = {};
    for (const { name } of thumbs) {
      const { stages } = await net.engine.ask("run", { pixels: net.thumbs[name].data });
      if (ended) return;
      net.features[name] = stages.at(-2).values;
    }
    frame.ask();
  }
  function nearest(state) {
    if (!net.features || Object.keys(net.features).length < thumbs.length || !net.trained) return null;
    const mine = net.trained.stages.at(-2).values;
    const distance = (other) => other.reduce((sum, value, i) => sum + (value - mine[i]) ** 2, 0);
    return thumbs.map(({ name }) => name).filter((name) => net.own || name !== state.photo)
      .map((name) => [distance(net.features[name]), name]).sort((a, b) => a[0] - b[0])[0][1];
  }

  async function takePicture([picture], count) {
    const more = count > 1 ? `${count} files came; the first is shown. ` : "";
    try {
      const { bitmap, name, words } = await picture;
      say("");
      await start();
      if (!net.engine) return;
      net.own = name;
      net.pixels = squarePixels(bitmap, net.file.header.side);
      bitmap.close();
      say(more + words);
      moved = true;
      compute();
    } catch (error) {
      say(more + error.message);
    }
  }

  async function toggleOcclusion() {
    if (!net.engine) await start();
    if (!net.engine) return;
    if (net.hiding) { net.engine.ask("stop"); return; }
    const state = values(), of = best(net.result.average), steps = 15, pixels = net.pixels;
    const given = { norm: state.norm, pool: POOLS[state.pooling], silent: SILENT[state.towers], cut: state.conv3 === "cut" };
    net.heat = { of, steps, values: new Float32Array(steps * steps).fill(NaN), whole: net.result.average[of], pixels,
      key: JSON.stringify({ ...given, crops: state.crops }) };
    net.hiding = true;
    const heat = net.heat, square = Math.round(net.file.header.side / 5);
    await net.engine.ask("occlude", { pixels: pixels.data, of, steps, square, ...given }, ({ row, column, probability }) => {
      heat.values[row * steps + column] = probability;
      frame.ask();
    });
    net.hiding = false;
    frame.ask();
  }

  // ---- drawing
  const best = (list) => list.indexOf(Math.max(...list));
  let plan = overviewLayout(720);
  function layerAt(x, y) {
    const { width } = overviewCanvas.getBoundingClientRect();
    const [px, py] = [x * width, y * plan.height], slack = 6;
    return plan.boxes.find((b) => px > b.x - slack && px < b.x + b.w + slack && py > b.y - slack && py < b.y + b.h + slack)?.layer;
  }
  overviewCanvas.addEventListener("pointermove", (event) => {
    const place = overviewCanvas.getBoundingClientRect();
    const layer = layerAt((event.clientX - place.left) / place.width, (event.clientY - place.top) / place.height) ?? null;
    if (layer === net.hover) return;
    net.hover = layer;
    if (layer && hero) tell(layer);
    frame.ask();
  });
  overviewCanvas.addEventListener("pointerleave", () => { net.hover = null; frame.ask(); });

  function sheetGrid(layer) {
    const count = CONVS[layer], across = Math.ceil(Math.sqrt(count * 1.1));
    return { count, across, rows: Math.ceil(count / across) };
  }

  function drawSheet(view, result, state, colors, title) {
    const { count, across, rows } = sheetGrid(state.layer), stage = shownStage(result, state.layer), half = count / 2;
    const channel = state.channel % count, peak = peakOf(shownStage(net.trained, state.layer).values);
    view.retitle(title);
    view.paint(`All ${count} channels of ${state.layer}, each ${stage.size} by ${stage.size}`, (ctx, width, height) => {
      const name = `${title}${state.layer}`, [one, two] = towerColors(colors);
      net.sheets[name] ||= (() => {
        const first = mosaic(stage, 0, count, across, peak, one, rgb(colors.ground), 1);
        const second = mosaic(stage, 0, count, across, peak, two, rgb(colors.ground), 1), step = stage.size + 1;
        const ctx2 = first.getContext("2d");
        for (let i = half; i < count; i++) {
          const [x, y] = [(i % across) * step, Math.floor(i / across) * step];
          ctx2.drawImage(second, x, y, stage.size, stage.size, x, y, stage.size, stage.size);
        }
        return first;
      })();
      ctx.fillStyle = colors.line;
      ctx.imageSmoothingEnabled = stage.size > 20;
      ctx.drawImage(net.sheets[name], 0, 0, width, height);
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 3;
      ctx.strokeRect((channel % across) * (width / across), Math.floor(channel / across) * (height / rows), width / across, height / rows);
    });
  }

  function drawDetail(state, colors) {
    const { result, file } = net, { header } = file, layer = header.layers.find(({ name }) => name === state.layer);
    const count = layer.out, channel = state.channel % count, tower = channel < count / 2 ? 1 : 2;
    const stage = shownStage(result, state.layer), size = stage.size, cut = state.conv3 === "cut" && layer.in > 3 && layer.groups === 1;
    const at = (percent) => Math.max(0, Math.min(size - 1, Math.floor(((percent ?? 50) / 100) * size)));
    const spot = net.spot ?? state, row = at(spot.down), column = at(spot.across);
    const compared = state.compare;
    drawSheet(sheet, compared ? net.trained : result, state, colors,
      compared ? `${state.layer} as trained` : `All ${count} channels of ${state.layer}: blue tower 1, orange tower 2. Click one.`);
    besideFigure.hidden = !compared;
    detail.classList.toggle("compared", compared);
    if (compared) drawSheet(beside, result, state, colors, `${state.layer} with your settings, in the same scale`);

    const fields = [row, column].map((place) => receptiveField(header, state.layer, place, POOLS[state.pooling]));
    const whole = Math.min(header.crop, fields[0].field);
    photoView.retitle(net.heat ? `Where hiding a part lowers “${header.classes[net.heat.of]}”: the fuller the color, the more` : `It sees ${whole} × ${whole} pixels`);
    photoView.paint(`The photograph; the framed part, at most ${fields[0].field} pixels wide, is what this position reads`, (ctx, width, height) => {
      const edge = (header.side - header.crop) / 2, step = width / header.crop;
      ctx.drawImage(net.photo, edge, edge, header.crop, header.crop, 0, 0, width, height);
      if (net.heat) drawHeat(ctx, width, height, header, colors);
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 2;
      ctx.strokeRect(fields[1].start * step, fields[0].start * step, fields[1].field * step, fields[0].field * step);
    });

    const weights = kernelOf(file, layer, channel), z = layer.kernel, read = layer.in / layer.groups;
    kernelView.retitle(read === 3 ? `Its kernel, ${z} × ${z} × 3, in color` : `Its kernel: ${read} slices of ${z} × ${z}`);
    kernelView.paint(`The ${z} by ${z} weights of channel ${channel} for each of ${read} inputs`, (ctx, width, height) => {
      if (read === 3) drawImage(ctx, width, height, colorKernel(weights, z));
      else drawSlices(ctx, width, height, weights, z, read, colors);
    });

    const plane = stage.values.subarray(channel * size * size, (channel + 1) * size * size);
    mapView.retitle(`Channel ${channel} (tower ${tower}), ${size} × ${size}`);
    mapView.paint(`Channel ${channel} as ${size} by ${size} values, the largest ${number(Math.max(...plane))}`, (ctx, width, height) => {
      drawMap(ctx, width, height, plane, size, size, peakOf(plane), { ...colors, plus: tower === 1 ? colors.plus : colors.minus });
      const step = width / size;
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 2;
      ctx.strokeRect(column * step - 1, row * step - 1, step + 2, step + 2);
    });
    drawSum({ state, layer, channel, tower, row, column, cut, colors });
  }

  function drawHeat(ctx, width, height, header, colors) {
    const { steps, values: found, whole } = net.heat, edge = (header.side - header.crop) / 2;
    const step = width / header.crop, square = Math.round(header.side / 5), far = header.side - square;
    const most = Math.max(0.05, ...[...found].filter((value) => !Number.isNaN(value)).map((value) => whole - value));
    const cell = (far / (steps - 1)) * step;
    found.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const [row, column] = [Math.floor(i / steps), i % steps];
      const center = (place) => ((place * far) / (steps - 1) + square / 2 - edge) * step;
      ctx.globalAlpha = Math.min(0.85, Math.max(0, (whole - value) / most) * 0.85);
      ctx.fillStyle = colors.mark;
      ctx.fillRect(center(column) - cell / 2, center(row) - cell / 2, cell + 0.5, cell + 0.5);
    });
    ctx.globalAlpha = 1;
  }

  function colorKernel(weights, z) {
    const image = new ImageData(z, z), peak = peakOf(weights), area = z * z;
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = 127.5 + (127.5 * weights[c * area + i]) / peak;
      image.data[4 * i + 3] = 255;
    }
    return image;
  }
  function drawSlices(ctx, width, height, weights, z, read, colors) {
    const across = Math.ceil(Math.sqrt(read)), step = z + 1, image = new ImageData(across * step - 1, Math.ceil(read / across) * step - 1);
    const peak = peakOf(weights), [zero, plus, minus] = [colors.ground, colors.plus, colors.minus].map(rgb);
    weights.forEach((weight, i) => {
      const map = Math.floor(i / (z * z)), [y, x] = [Math.floor((i % (z * z)) / z), i % z];
      const to = 4 * ((Math.floor(map / across) * step + y) * image.width + (map % across) * step + x), end = weight < 0 ? minus : plus;
      for (let c = 0; c < 3; c++) image.data[to + c] = zero[c] + (Math.abs(weight) / peak) * (end[c] - zero[c]);
      image.data[to + 3] = 255;
    });
    drawImage(ctx, width, height, image);
  }

  function drawSum({ state, layer, channel, tower, row, column, cut, colors }) {
    const { terms, bias, total } = sumOf(net.file, net.result, layer, channel, row, column, cut);
    let groups;
    if (layer.in === 3) {
      groups = terms.map(({ value }, i) => [["red", "green", "blue"][i], value]);
    } else {
      const strongest = [...terms].sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 5);
      const rest = (away) => terms.filter((term) => term.away === away && !strongest.includes(term)).reduce((sum, { value }) => sum + value, 0);
      groups = strongest.map(({ source, away, value }) => [`channel ${source}${away ? " of the other tower" : ""}`, value]);
      groups.push([`the others of tower ${tower}`, rest(false)]);
      if (layer.groups === 1) groups.push([cut ? "the other tower: cut" : "the others of the other tower", rest(true)]);
    }
    groups.push(["bias", bias]);
    const most = Math.max(...groups.map(([, value]) => Math.abs(value))) || 1;
    const line = ([words, value]) => {
      const bar = node("span", { style: `width: ${(50 * Math.abs(value)) / most}%; margin-left: ${value < 0 ? 50 - (50 * Math.abs(value)) / most : 50}%; background: ${value < 0 ? colors.minus : colors.plus}` });
      return node("tr", {}, node("td", {}, words), node("td", { class: "bar" }, bar), node("td", { class: "number" }, number(value)));
    };
    const chain = stagesOf(net.result, state.layer).slice(1).map((stage) => {
      const words = stage.name.startsWith("relu") ? "ReLU" : "LRN";
      return `${words} → ${number(stage.values[(channel * stage.size + row) * stage.size + column])}`;
    });
    const muted = SILENT[state.towers] === tower ? ` This tower is silent, so the sum is replaced by 0.` : "";
    const count = terms.filter(({ away }) => !(away && cut)).length * layer.kernel * layer.kernel;
    sums.replaceChildren(
      node("p", {}, `Row ${row}, column ${column}: the sum of ${COUNT.format(count)} products and the bias`),
      node("table", { class: "sum" }, node("tbody", {}, ...groups.map(line),
        node("tr", {}, node("th", {}, "sum"), node("td", {}), node("th", { class: "number" }, number(total))))),
      node("p", { class: "own" }, `${chain.length ? `then ${chain.join(", ")}.` : ""}${muted}`));
  }

  function drawScores(state) {
    const { result, trained, file } = net, { classes } = file.header, first = best(result.average);
    const percent = (value) => `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`;
    const order = classes.map((_, i) => i).sort((a, b) => trained.average[b] - trained.average[a]);
    const rows = order.map((i) => {
      const value = result.average[i], bar = node("div", { class: "bar" }, node("i", { style: `width: ${100 * value}%` }));
      if (result !== trained) bar.append(node("b", { style: `left: ${100 * trained.average[i]}%`, title: `as trained: ${percent(trained.average[i])}` }));
      return node("div", { class: i === first ? "score best" : "score" }, node("span", {}, classes[i]), node("output", { "aria-live": "off" }, percent(value)), bar);
    });
    const near = nearest(state), extra = [];
    if (result.probabilities.length > 1) {
      const each = result.probabilities.map((one) => percent(one[first])).join(", ");
      extra.push(node("p", { class: "own near" }, `“${classes[first]}” in the ten crops: ${each}.`));
    }
    if (near) {
      const canvas = node("canvas", { width: 40, height: 40, role: "img", "aria-label": wordOf(byName.photo, near) });
      canvas.getContext("2d").drawImage(canvasOf(net.thumbs[near]), 0, 0, 40, 40);
      extra.push(node("div", { class: "near" }, canvas, node("span", {}, `Nearest of the ten photographs by the last hidden layer: ${wordOf(byName.photo, near)}`)));
    }
    scores.replaceChildren(...rows, ...extra);
    const was = best(trained.average), who = net.own ? "your picture" : `“${wordOf(byName.photo, state.photo)}”`;
    const about = file.header.about ? ` (${file.header.about})` : "";
    const changed = result === trained ? "" : was === first
      ? ` As trained: ${percent(trained.average[first])}.` : ` As trained it says ${classes[was]}, ${percent(trained.average[was])}.`;
    answer.textContent = `For ${who} it says ${classes[first]}, ${percent(result.average[first])}.${changed} `
      + `It knows ten classes only and must pick one of them${about}.`;
  }

  function paint() {
    const state = values();
    el.toggleAttribute("data-dark", isDark());
    const colors = palette(el), themed = colors.ground + colors.plus;
    if (net.themed !== themed) Object.assign(net, { themed, tiles: {}, sheets: {} });
    for (const [name, { show }] of Object.entries(made)) show(state[name]);
    for (const { name, input } of thumbs) input.checked = !net.own && name === state.photo;
    const width = overviewCanvas.getBoundingClientRect().width;
    plan = overviewLayout(width || 720);
    overviewCanvas.style.setProperty("--aspect", (width || 720) / plan.height);
    const { result, file } = net;
    overview.retitle(result ? "Every channel of every layer. Dashed: what the towers exchange, in values for one picture. Click a layer."
      : net.busy || (hero ? "One photograph, all channels of all layers. Dashed: what the two cards exchange. Point at a layer."
        : "Five convolutional layers on two towers, which exchange values where dashed lines cross. Start, or pick a photograph."));
    overview.paint(result ? `The network's feature maps: ${SHOWN.map((name) => `${name} ${shownStage(result, name).maps} channels`).join(", ")}`
      : "The network as a diagram: five layers on two towers, then two fully-connected layers",
    (ctx, w) => drawOverview(ctx, w, plan, { state, header: file?.header, result, photo: net.photo, still: net.still, colors, tiles: net.tiles, hover: hero ? net.told ?? "" : net.hover }));
    detail.hidden = !result || Boolean(hero);
    strip.hidden = Boolean(hero) && !result;
    startButton.disabled = Boolean(net.busy);
    hide.textContent = net.hiding ? "Stop" : "What matters? Hide one part after the other";
    hide.hidden = !result;
    if (hero) answer.hidden = !result;
    if (result) drawScores(state);
    if (result && !hero) drawDetail(state, colors);
    hint.textContent = net.hint;
    hint.hidden = !net.hint || !result;
    const words = summary(state, params, net.own);
    if (moved && (sentence.textContent !== words || region.dataset.answer !== answer.textContent)) speak(result ? `${words} ${answer.textContent}` : words);
    region.dataset.answer = answer.textContent;
    sentence.textContent = words;
    badge.textContent = net.torch || (result ? `${file.kind}, ${Math.round(result.milliseconds)} ms for this answer` : "");
    note.textContent = model.get("note") ?? "";
    note.hidden = !note.textContent;
    el.dataset.paints = Number(el.dataset.paints ?? 0) + 1;
    el.dataset.computed = result ? Number(el.dataset.computed ?? 0) + (net.painted === result ? 0 : 1) : 0;
    net.painted = result;
  }

  const frame = onceAFrame(paint);
  paint();
  if (hero) tell("conv2");
  const events = [...params.map((p) => p.name), "note"].map((name) => `change:${name}`);
  const follow = () => { frame.ask(); if (net.engine) compute(); };
  for (const event of events) model.on(event, follow);
  const sizes = new ResizeObserver(frame.ask);
  sizes.observe(el);
  const themes = new MutationObserver(frame.ask);
  const attributeFilter = ["data-theme", "data-jp-theme-light", "data-jp-theme-name"];
  for (const place of [document.documentElement, document.body]) themes.observe(place, { attributeFilter });
  window.addEventListener("resize", frame.ask);
  return () => {
    ended = true;
    frame.stop();
    net.engine?.end();
    for (const event of events) model.off(event, follow);
    sizes.disconnect();
    themes.disconnect();
    window.removeEventListener("resize", frame.ask);
  };
}

export default { render: renderNet };
