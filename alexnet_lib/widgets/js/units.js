// Any unit of the network: the patches that excite it most, and a picture made to excite it.

const UNITS = { conv1: 96, conv2: 256, conv3: 384, conv4: 384, conv5: 256, fc7: 4096, fc8: 10 };
const TILES = 8, EACH = 2; // patches that are shown, and of one photograph at most
const OWN = 12; // pictures of the reader's own that are kept
const GAP = 8; // pixels between tiles

const titleOf = (p, value) => p.options.find(([one]) => one === value)[1];
const unitOf = ({ layer, unit }) => unit % UNITS[layer];

export function summary(state, params) {
  const { layer, photo } = state, unit = unitOf(state), words = titleOf(params.find((p) => p.name === "photo"), photo);
  if (layer === "fc8") return `Class score ${unit} of 10, beside the photograph “${words}”.`;
  const tower = unit < UNITS[layer] / 2 ? 1 : 2, kind = layer === "fc7" ? "unit" : "channel";
  return `${layer}, ${kind} ${unit} of ${UNITS[layer]}, in tower ${tower}, beside the photograph “${words}”.`;
}

// The strongest positions of a unit, best first: {photo, row, column, value}. Two of one photograph are at least
// half a receptive field apart. `maps`: photo -> {values, size} of the layer before its ReLU.
export function strongest(maps, unit, apart) {
  const found = [];
  for (const [photo, { values, size }] of Object.entries(maps)) {
    const places = Array.from(values.subarray(unit * size * size, (unit + 1) * size * size), (value, at) =>
      ({ photo, row: Math.floor(at / size), column: at % size, value })).sort((a, b) => b.value - a.value);
    const kept = [];
    for (const place of places) {
      if (kept.length === EACH) break;
      if (kept.every((other) => Math.max(Math.abs(other.row - place.row), Math.abs(other.column - place.column)) >= apart)) kept.push(place);
    }
    found.push(...kept);
  }
  return found.sort((a, b) => b.value - a.value);
}

// Where a position looks, as {left, top, side} in pixels of the crop; a fully-connected unit sees all of it.
export function windowOf(header, layer, { row, column }) {
  if (layer.startsWith("fc")) return { left: 0, top: 0, side: header.crop };
  const [down, right] = [row, column].map((place) => receptiveField(header, layer, place));
  return { left: right.start, top: down.start, side: down.field };
}

function build({ parent, model, change, values, ask }) {
  // net: the engine, its file, the ten photographs. unit: what was computed, and what is being computed.
  const net = {}, unit = { ready: false, pictures: {}, maps: {}, own: "", busy: "", drawn: null, drawing: false, heat: null, hiding: false };
  const problem = node("p", { class: "problem", role: "alert", hidden: "" });
  const say = (words) => { problem.textContent = words; problem.hidden = !words; };
  const startButton = button("▶ Load the network (3 MB) and ask", () => start());
  startButton.className = "start";
  const strip = node("div", { class: "strip" }, startButton,
    ...pictureInput({ zone: parent, words: "Your pictures …", most: OWN, take: takePictures }),
    node("span", { class: "quiet" }, "or drop them here; they stay in this page"));
  const answer = node("p", { class: "answer", role: "status" });
  parent.append(strip, problem, answer);
  const tops = picture(parent, { caption: "", aspect: 4.4, onpick: (x, y) => {
    const { across, down } = grid(), at = Math.floor(y * down) * across + Math.floor(x * across);
    const chosen = unit.ranked?.[at]?.photo;
    if (chosen in unit.pictures && chosen.startsWith("own ")) { unit.own = chosen; ask(); } else if (chosen) change({ photo: chosen });
  } });
  const third = { columns: 4, narrow: 6, aspect: 1, caption: "" };
  const here = picture(parent, third), saliency = picture(parent, third), drawn = picture(parent, third);
  const canvases = [...parent.querySelectorAll("canvas")], figures = canvases.map((canvas) => canvas.parentNode);
  const other = button("Another unit", () => change({ unit: Math.floor(UNITS[values().layer] * Math.random()) }));
  const sketch = button("", toggleDrawing), hide = button("", toggleHiding);
  parent.append(node("div", { class: "buttons" }, sketch, hide, other));
  const across = () => (canvases[0].getBoundingClientRect().width < 480 ? 4 : 8);
  const grid = () => ({ across: across(), down: TILES / across() });

  // ---- work
  let starting = null;
  function start() {
    starting ||= open().catch((error) => {
      starting = null;
      unit.busy = "";
      say(`The network did not start: ${error.message}.`);
      ask();
    });
    return starting;
  }
  async function open() {
    unit.busy = "Loading the network ...";
    ask();
    Object.assign(net, await openNetwork(model, "engine_grad"));
    for (const [name, pixels] of Object.entries(net.photos)) await keep(name, pixels);
    unit.busy = "";
    startButton.hidden = true;
    unit.ready = true;
    say("");
    ask();
  }
  // A picture's values in every layer that can be asked for, as sums before the ReLU.
  async function keep(name, pixels) {
    const found = await net.engine.ask("run", { pixels: pixels.data });
    const { side, crop } = net.file.header, edge = Math.round((side - crop) / 2);
    unit.pictures[name] = { pixels, crop: cut(pixels, edge, crop), scores: found.average };
    for (const layer of Object.keys(UNITS)) {
      const { values, size } = stageOf(found, layer);
      (unit.maps[layer] ||= {})[name] = { values, size };
    }
  }
  function cut(pixels, edge, crop) {
    const canvas = new OffscreenCanvas(crop, crop);
    canvas.getContext("2d").drawImage(canvasOf(pixels), -edge, -edge);
    return canvas;
  }
  let count = 0;
  async function takePictures(pictures, came) {
    const results = await Promise.allSettled(pictures);
    await start();
    if (!unit.ready) return;
    const words = came > OWN ? [`${came} files came; the first ${OWN} are used.`] : [];
    for (const { value, reason } of results) {
      if (reason) { words.push(reason.message); continue; }
      const mine = Object.keys(unit.pictures).filter((name) => name.startsWith("own "));
      if (mine.length >= OWN) for (const held of [unit.pictures, ...Object.values(unit.maps)]) delete held[mine[0]];
      const name = `own ${(count += 1)}`;
      await keep(name, squarePixels(value.bitmap, net.file.header.side));
      value.bitmap.close();
      if (value.words) words.push(value.words);
      unit.own = name;
    }
    say(words.join(" "));
    ask();
  }
  const shown = (state) => (unit.own in unit.pictures ? unit.own : state.photo);
  const keyOf = (state) => `${state.layer} ${unitOf(state)}`;

  async function toggleDrawing() {
    await start();
    if (!unit.ready) return;
    if (unit.drawing) { net.engine.ask("stop"); return; }
    const state = values(), key = keyOf(state);
    Object.assign(unit, { drawing: true, hiding: false });
    await net.engine.ask("caricature", { layer: state.layer, unit: unitOf(state) }, (found) => { unit.drawn = { ...found, key }; ask(); });
    unit.drawing = false;
    ask();
  }
  async function toggleHiding() {
    await start();
    if (!unit.ready) return;
    if (unit.hiding) { net.engine.ask("stop"); return; }
    const state = values(), steps = 15, of = unitOf(state), name = shown(state), { pixels, scores } = unit.pictures[name];
    const heat = { of, name, steps, values: new Float32Array(steps * steps).fill(NaN), whole: scores[of] };
    Object.assign(unit, { heat, hiding: true, drawing: false });
    await net.engine.ask("occlude", { pixels: pixels.data, of, steps, square: squareOf() }, ({ row, column, probability }) => {
      heat.values[row * steps + column] = probability;
      ask();
    });
    unit.hiding = false;
    ask();
  }
  const squareOf = () => Math.round(net.file.header.side / 5);
  async function findSaliency(name, of) {
    unit.slope = { name, of };
    const mine = unit.slope;
    await net.engine.ask("saliency", { pixels: unit.pictures[name].pixels.data, of }, ({ values: found }) => { mine.values = found; ask(); });
  }

  // ---- drawing
  function paint(state, params, colors) {
    const { layer } = state, of = unitOf(state), isClass = layer === "fc8", key = keyOf(state), { header } = net.file ?? {};
    if (unit.photo !== state.photo) unit.own = "";
    unit.photo = state.photo;
    const nameOf = (photo) => (photo.startsWith("own ") ? "your picture" : titleOf(params.find((p) => p.name === "photo"), photo));
    const titled = isClass && header ? `The class “${header.classes[of]}”` : `${layer}, ${layer === "fc7" ? "unit" : "channel"} ${of}`;
    startButton.disabled = Boolean(unit.busy);
    const { across: wide, down } = grid();
    canvases[0].style.setProperty("--aspect", wide / (down * 1.22));
    figures[2].hidden = !isClass;
    sketch.hidden = other.hidden = !unit.ready;
    hide.hidden = !unit.ready || !isClass;
    sketch.textContent = unit.drawing ? "Stop drawing" : "Draw a picture that excites it";
    hide.textContent = unit.hiding ? "Stop hiding" : "Hide one part after the other";
    if (!unit.ready) {
      answer.textContent = unit.busy || "The network finds, among ten photographs and yours, the patches that excite a unit most.";
      figures.forEach((figure) => { figure.hidden = true; });
      return;
    }
    figures.forEach((figure, i) => { figure.hidden = i === 2 && !isClass; });
    for (const figure of figures.slice(1)) figure.style.setProperty("--columns", isClass ? 4 : 6);
    const tone = isClass ? colors.mark : of < UNITS[layer] / 2 ? colors.plus : colors.minus;
    const maps = unit.maps[layer], jump = layer.startsWith("fc") ? 1 : receptiveField(header, layer, 0).jump;
    const field = layer.startsWith("fc") ? header.crop : receptiveField(header, layer, 0).field;
    const ranked = strongest(maps, of, Math.max(1, Math.min(field, header.crop) / 2 / jump)).slice(0, TILES);
    unit.ranked = ranked;
    const best = ranked[0], active = best.value > 0 || isClass;
    const seen = layer.startsWith("fc") ? "the whole picture" : `${field} × ${field} pixels`;
    answer.textContent = active ? `${titled} sees ${seen}. Of ${Object.keys(maps).length} photographs, “${nameOf(best.photo)}” excites it most: ${number(best.value)}.`
      : `${titled} sees ${seen} and is inactive on all ${Object.keys(maps).length} photographs: no sum is above zero. Draw a picture that excites it.`;

    tops.retitle(`${isClass ? "Photographs with the highest score" : "Patches that excite it most, strongest first"}. Click one to see it below.${layer.startsWith("fc") ? "" : " Gray: beyond the picture's border."}`);
    tops.paint(`The ${ranked.length} strongest: ${ranked.map(({ photo, value }) => `${nameOf(photo)} ${number(value)}`).join(", ")}`, (ctx, width, height) => {
      const step = width / wide, size = step - GAP;
      ranked.forEach((place, i) => {
        const x = (i % wide) * step, y = Math.floor(i / wide) * (height / down), view = windowOf(header, layer, place);
        tile(ctx, unit.pictures[place.photo].crop, view, x, y, size, colors);
        ctx.strokeStyle = place.value > 0 || isClass ? tone : colors.line;
        ctx.lineWidth = 2;
        ctx.strokeRect(x + 1, y + 1, size - 2, size - 2);
        ctx.fillStyle = colors.ink;
        ctx.fillText(`${number(place.value)}`, x, y + size + 14);
        ctx.fillStyle = colors.quiet;
        const from = x + ctx.measureText(`${number(place.value)} `).width + 4;
        if (size > 90) ctx.fillText(nameOf(place.photo), from, y + size + 14, size - from + x);
      });
    });

    const name = shown(state), mine = strongest({ [name]: maps[name] }, of, 1)[0];
    if (isClass) paintClass(name, of, titled, nameOf, colors);
    else paintHere(name, mine, { layer, of, tone, nameOf, jump, field, colors });
    drawn.retitle(unit.drawn?.key === key
      ? `A caricature, step ${unit.drawn.step} of ${unit.drawn.steps}: ${number(unit.drawn.value)}, against ${number(best.value)} for the best patch. No photograph looks like this: smoothing and gray were our choice.`
      : "Not drawn yet. Gradient ascent changes gray noise until the unit responds strongly.");
    drawn.paint(unit.drawn?.key === key ? `A picture made to excite ${titled}` : "An empty frame for the drawing", (ctx, width, height) => {
      ctx.fillStyle = colors.panel;
      ctx.fillRect(0, 0, width, height);
      if (unit.drawn?.key !== key) return;
      const image = canvasOf(new ImageData(unit.drawn.pixels, header.crop, header.crop));
      const { size } = maps[name], view = windowOf(header, layer, { row: size >> 1, column: size >> 1 });
      tile(ctx, image, view, 0, 0, width, colors);
    });
  }

  // The part of a picture that a window holds; what is beyond the picture's border stays gray.
  function tile(ctx, image, { left, top, side }, x, y, size, colors) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, size, size);
    ctx.clip();
    ctx.fillStyle = colors.panel;
    ctx.fillRect(x, y, size, size);
    ctx.imageSmoothingEnabled = side > 30;
    const step = size / side;
    ctx.drawImage(image, x - left * step, y - top * step, image.width * step, image.height * step);
    ctx.restore();
  }

  function paintHere(name, mine, { layer, of, tone, nameOf, jump, field, colors }) {
    const { header } = net.file, { values: all, size } = unit.maps[layer][name], plane = all.subarray(of * size * size, (of + 1) * size * size);
    const peak = Math.max(...unit.ranked.map(({ value }) => value), 1e-9), view = windowOf(header, layer, mine);
    here.retitle(layer === "fc7" ? `${nameOf(name)}: ${number(Math.max(0, mine.value))}. The unit sees the whole picture.`
      : `Where it responds in “${nameOf(name)}”. Framed: the strongest position and all that it sees.`);
    here.paint(`${nameOf(name)}, colored where the unit responds; its largest value is ${number(mine.value)}`, (ctx, width) => {
      const step = width / header.crop;
      ctx.drawImage(unit.pictures[name].crop, 0, 0, width, width);
      if (size > 1) {
        const first = receptiveField(header, layer, 0).start + field / 2;
        ctx.fillStyle = colors.ground;
        ctx.globalAlpha = 0.45;
        ctx.fillRect(0, 0, width, width);
        ctx.fillStyle = tone;
        plane.forEach((value, at) => {
          ctx.globalAlpha = 0.85 * Math.min(1, Math.max(0, value / peak));
          const [x, y] = [at % size, Math.floor(at / size)].map((place) => (first + place * jump - jump / 2) * step);
          ctx.fillRect(x, y, jump * step, jump * step);
        });
        ctx.globalAlpha = 1;
      }
      ctx.strokeStyle = colors.mark;
      ctx.lineWidth = 2.5;
      ctx.strokeRect(view.left * step + 1, view.top * step + 1, view.side * step - 2, view.side * step - 2);
    });
  }

  function paintClass(name, of, titled, nameOf, colors) {
    const { header } = net.file, { crop, side } = header, edge = (side - crop) / 2;
    const heat = unit.heat?.name === name && unit.heat.of === of ? unit.heat : null;
    const percent = `${(100 * unit.pictures[name].scores[of]).toFixed(1)} %`;
    here.retitle(`Occlusion in “${nameOf(name)}” (${percent}): full color where hiding lowers it most. `
      + "It does not show parts that can stand in for each other, and a gray square is itself something new.");
    here.paint(`${nameOf(name)}; ${heat ? `colored where hiding a part lowers ${titled}` : "nothing hidden yet"}`, (ctx, width) => {
      const step = width / crop;
      ctx.drawImage(unit.pictures[name].crop, 0, 0, width, width);
      if (!heat) return;
      const { steps, values: found, whole } = heat, far = side - squareOf(), cell = (far / (steps - 1)) * step;
      const most = Math.max(0.02, ...[...found].filter((value) => !Number.isNaN(value)).map((value) => whole - value));
      ctx.fillStyle = colors.mark;
      found.forEach((value, i) => {
        if (Number.isNaN(value)) return;
        const [x, y] = [i % steps, Math.floor(i / steps)].map((place) => ((place * far) / (steps - 1) + squareOf() / 2 - edge) * step - cell / 2);
        ctx.globalAlpha = 0.85 * Math.min(1, Math.max(0, (whole - value) / most));
        ctx.fillRect(x, y, cell + 0.5, cell + 0.5);
      });
      ctx.globalAlpha = 1;
    });
    if (unit.slope?.name !== name || unit.slope.of !== of) findSaliency(name, of);
    saliency.retitle("Gradient saliency: full color where a small change of a pixel moves the score most. "
      + "It does not show what the score is made of, and it follows edges in almost any network.");
    saliency.paint(`The size of the gradient of ${titled} for every pixel of ${nameOf(name)}`, (ctx, width, height) => {
      ctx.fillStyle = colors.ground;
      ctx.fillRect(0, 0, width, height);
      const { values: found } = unit.slope;
      if (!found) return;
      const sorted = Float32Array.from(found).sort(), most = sorted[Math.floor(0.995 * sorted.length)] || 1; // a few pixels stick out
      const color = rgb(colors.mark), ground = rgb(colors.ground), image = new ImageData(crop, crop);
      found.forEach((value, i) => {
        const share = Math.min(1, value / most) ** 0.7;
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = ground[c] + share * (color[c] - ground[c]);
        image.data[4 * i + 3] = 255;
      });
      ctx.drawImage(canvasOf(image), 0, 0, width, height);
    });
  }
  return { paint, end: () => net.engine?.end() };
}

const prepare = (model) => model.get("params");
const draw = ({ state, data, pictures, colors }) => pictures.paint(state, data, colors);

const style = `
.strip { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.pictures.over { outline: 2px dashed var(--mark); outline-offset: 4px; }
.pictures > p, .pictures > .buttons { grid-column: 1 / -1; }
.start { font-weight: 650; }
.quiet { font-size: 0.85rem; color: var(--quiet); }
.problem { padding: 0.4rem 0.6rem; border-left: 4px solid var(--minus); background: var(--panel); }
`;

export default explorer({ title: "What does this unit see?", reset: "Reset", prepare, build, compute: () => null, draw, summary, style });
