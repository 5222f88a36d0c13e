// Figure 1 as a race (§3.1): the same network with two activation functions, each learning in a worker of its own.

const TITLES = { relu: "ReLU", tanh: "tanh", sigmoid: "sigmoid", "leaky-relu": "leaky ReLU" };
const ALL = 50, SMALL = 20; // patches that are learned, and on a slow machine
const MOST = 60; // steps
const SLOW = 1500; // milliseconds for one step with all patches
const COUNTS = [32, 32, 64]; // channels of conv1 to conv3

const steps = (count) => `${count} ${count === 1 ? "step" : "steps"}`;
const goalOf = (patches) => Math.floor(patches / 4);
export const patchesFor = (millisecondsEach) => (millisecondsEach * ALL > SLOW ? SMALL : ALL);

function median(values) {
  const order = [...values].sort((a, b) => a - b), half = order.length / 2;
  return (order[Math.ceil(half) - 1] + order[Math.floor(half)]) / 2;
}
// Steps by seed in words; null is a race that did not get there.
export function inWords(found) {
  if (!found.length) return "was not measured";
  const middle = median(found.map((one) => one ?? Infinity)), of = found.length === 1 ? "one seed" : `median of ${found.length} seeds`;
  return middle === Infinity ? `does not reach 25 % in ${MOST} steps (${of})` : `reaches 25 % after ${middle} steps (${of})`;
}

function lanesOf({ left, right, pixels, init, rate }, { record }) {
  const own = [left, right].map((one) => record.rates[`${pixels} ${init} ${one}`]);
  return [left, right].map((activation, i) => {
    const used = rate === "own" ? own[i] : own[0], asked = `${[pixels, init, activation, used]}`;
    const found = record.runs.find(({ of }) => `${of}` === asked) ?? { wrong: [], steps: [] };
    return { activation, name: TITLES[activation], rate: used, recorded: found.wrong, steps: found.steps };
  });
}

export function summary({ pixels, init, rate, seed }, data, { lanes: [one, two] }) {
  const read = { raw: "0 to 255", scaled: "divided by 64" }[pixels];
  const weights = `initial weights ${{ paper: "N(0, 0.01)", fitted: "made for each activation" }[init]}`;
  const rates = rate === "same" ? `learning rate ${one.rate} for both` : `learning rates ${one.rate} and ${two.rate}`;
  return `${one.name} against ${two.name} on ${ALL} patches: pixels ${read}, ${weights}, ${rates}, seed ${seed}. By torch, ${one.name} ${inWords(one.steps)}, `
    + `${two.name} ${inWords(two.steps)}.`;
}

// What a race of this size can say, beside what the recorded experiment says.
export function limits({ pixels, init, rate }, { recorded }) {
  const ratio = recorded[`${pixels} ${init}`];
  const trap = rate === "same" ? " With one learning rate for both, a race mostly shows for whom that rate was chosen." : "";
  const known = ratio ? "On 10,000 images of CIFAR-10, with five seeds and the best learning rate of a grid for each, tanh needed "
    + `${ratio} times as many epochs as ReLU with these pixels and initial weights.`
    : "We have no record of a larger experiment with these pixels and initial weights.";
  return `Fifty patches and one seed show what goes on inside a network, not which function is faster in general. ${known}${trap}`;
}

const prepare = async (model) => ({ record: model.get("record"), recorded: model.get("recorded") });
const compute = (state, data) => ({ lanes: lanesOf(state, data), key: JSON.stringify(state), words: limits(state, data) });

function build({ parent, change, values, data, model, ask: redraw }) {
  const wide = (tag, attributes = {}, ...children) => node(tag, { ...attributes, class: `whole ${attributes.class ?? ""}` }, ...children);
  const go = button("▶ Start", () => (race?.running ? pause() : start())), one = button("One step", () => start(true));
  go.className = "go";
  const again = button("From the beginning", () => { end(); redraw(); });
  const told = node("span", { role: "status" });
  parent.append(wide("div", { class: "buttons" }, go, one, again, told));
  const curve = picture(parent, { caption: "", aspect: 2.6 });
  const lanes = [0, 1].map(() => {
    const column = node("div", { class: "lane" }), head = node("p", { class: "head" });
    column.append(head);
    parent.append(column);
    return { head, kernels: picture(column, { caption: "", aspect: 2 }), units: picture(column, { caption: "", aspect: 8 }) };
  });
  const words = wide("p", { class: "limits" }), table = node("table");
  const yours = wide("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Your races", hidden: "" }, table);
  parent.append(words, yours);

  let race = null;
  const say = (text) => { told.textContent = text; };

  async function open(patches = ALL) {
    const state = values(), mine = { key: JSON.stringify(state), patches, lanes: [], running: true };
    const lanes = lanesOf(state, data), { init, pixels, seed } = state;
    race = mine;
    if (patches === ALL) say("Loading 300 patches ...");
    redraw();
    const opened = await openLanes(model, lanes.map(({ activation, rate }) =>
      ({ training: patches, activation, init, pixels, seed, rates: { lr: rate } })));
    mine.lanes = lanes.map((lane, i) => ({ ...lane, ...opened[i], wrong: [], gray: null }));
    if (race !== mine) return stop(mine);
    if (patches === ALL) say(`Two networks learn in this page (${opened[0].kind}).`);
  }
  // The first step is slow everywhere, before the browser has compiled what it runs; the second one tells.
  async function shrinkIfSlow({ lanes, patches }) {
    const each = Math.max(...lanes.map(({ milliseconds }) => milliseconds)) / patches;
    if (lanes[0].wrong.length !== 2 || patches < ALL || patchesFor(each) === ALL) return;
    end();
    say(`This machine needs ${Math.round(each)} ms a patch, so the race is on ${SMALL} patches instead of ${ALL}: `
      + "compare it only with races of the same size.");
    await open(SMALL);
  }

  async function start(single = false) {
    try {
      if (!race || race.over) { end(); await open(); }
      let mine = race;
      if (!mine?.lanes.length) return;
      mine.running = true;
      do {
        await whenSeen();
        await Promise.all(mine.lanes.filter(({ done }) => !done).map((lane) => step(lane, mine.patches)));
        if (race !== mine) return;
        await shrinkIfSlow(mine);
        if (!race?.lanes.length) return;
        mine = race;
        mine.over = mine.lanes.every(({ done }) => done);
        redraw();
      } while (mine.running && !mine.over && !single);
      mine.running = false;
      if (mine.over) finish(mine);
    } catch (error) {
      end();
      say(`The race did not start: ${error.message}.`);
    }
    redraw();
  }
  async function step(lane, patches) {
    const { wrong, ...found } = await lane.engine.ask("step");
    lane.wrong.push(wrong);
    Object.assign(lane, { ...found, reached: wrong <= goalOf(patches) });
    lane.done = lane.reached || lane.wrong.length > MOST;
  }
  function pause() {
    race.running = false;
    say("Paused.");
    redraw();
  }
  const resultOf = ({ reached, wrong }) => (reached ? steps(wrong.length - 1) : `not in ${MOST}`);
  function finish(mine) {
    stop(mine);
    const [a, b] = mine.lanes, state = JSON.parse(mine.key);
    say(`To 25 %: ${a.name} ${resultOf(a)}, ${b.name} ${resultOf(b)}.`);
    const row = node("tr", {}, ...[`${a.name} ${resultOf(a)}`, `${b.name} ${resultOf(b)}`, state.pixels === "raw" ? "0 to 255" : "divided by 64",
      state.init === "paper" ? "2012" : "fitted", `${a.rate} and ${b.rate}`, state.seed, mine.patches].map((text) => node("td", {}, String(text))),
    node("td", {}, button("Set again", () => change(state))));
    const heads = ["Left", "Right", "Pixels", "Initial weights", "Learning rates", "Seed", "Patches", "Setting"];
    if (!table.rows.length) table.append(node("caption", {}, "Your races: steps to 25 %"), node("tr", {}, ...heads.map((text) => node("th", {}, text))));
    table.append(row);
    yours.hidden = false;
  }
  const stop = ({ lanes }) => lanes.forEach(({ engine }) => engine.end());
  function end() {
    if (race) stop(race);
    race = null;
    say("");
  }
  window.addEventListener("pagehide", end);
  return {
    curve, lanes, words,
    // The race as far as it has got; a changed setting ends it.
    now(key) {
      if (race && race.key !== key) end();
      go.textContent = race?.running ? "❚❚ Pause" : race && !race.over ? "▶ Go on" : "▶ Start";
      go.disabled = Boolean(race?.running && !race.lanes.length);
      one.disabled = Boolean(race?.running);
      again.disabled = !race;
      return race;
    },
    end() { window.removeEventListener("pagehide", end); end(); },
  };
}

const colorOf = (activation, colors) => ({ relu: colors.plus, tanh: colors.minus, sigmoid: colors.mark, "leaky-relu": colors.ink })[activation];

function drawCurves(ctx, width, height, lanes, race, colors) {
  const longest = Math.max(12, ...lanes.flatMap(({ recorded }, i) => [recorded.length - 1, (race?.lanes[i]?.wrong.length ?? 0) - 1]));
  const left = 44, x = (step) => left + (step / longest) * (width - left - 12), y = (part) => 10 + (1 - part) * (height - 34);
  Object.assign(ctx, { fillStyle: colors.quiet, textAlign: "right", textBaseline: "middle" });
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    line(ctx, [[left, y(part)], [width, y(part)]], part === 0.25 ? colors.ink : colors.line, part === 0.25 ? 1.5 : 1, part === 0.25 ? [8, 4] : []);
    ctx.fillText(`${100 * part} %`, left - 5, y(part));
  }
  ctx.textAlign = "center";
  for (let step = 0; step <= longest; step += longest > 30 ? 10 : 5) ctx.fillText(step, x(step), height - 8);
  lanes.forEach(({ activation, recorded }, i) => {
    const color = colorOf(activation, colors), dash = i ? [2, 5] : [2, 3];
    line(ctx, recorded.map((wrong, step) => [x(step), y(wrong / ALL)]), color, 1.5, dash);
    const mine = race?.lanes[i]?.wrong ?? [];
    if (!mine.length) return;
    const points = mine.map((wrong, step) => [x(step), y(wrong / race.patches)]), same = i && lanes[0].activation === activation;
    line(ctx, points, color, 3, same ? [8, 5] : []);
    ctx.fillStyle = color;
    const [px, py] = points.at(-1);
    ctx.fillRect(px - 4, py - 4, 8, 8);
  });
}

// The kernels of conv1 as pictures; a channel that is gray below is gray here.
function drawKernels(ctx, width, height, { kernels, gray }, colors) {
  const across = 8, rows = 4, z = 5, image = new ImageData(across * (z + 1) - 1, rows * (z + 1) - 1);
  const peak = kernels.reduce((most, w) => Math.max(most, Math.abs(w)), 1e-12);
  for (let k = 0; k < across * rows; k++) {
    for (let at = 0; at < z * z; at++) {
      const color = [0, 1, 2].map((c) => 127.5 + (127.5 * kernels[(k * 3 + c) * z * z + at]) / peak);
      const mean = (color[0] + color[1] + color[2]) / 3, share = gray?.[k] ?? 0;
      const to = 4 * ((Math.floor(k / across) * (z + 1) + Math.floor(at / z)) * image.width + (k % across) * (z + 1) + (at % z));
      color.forEach((value, c) => { image.data[to + c] = value + share * (mean - value); });
      image.data[to + 3] = 255;
    }
  }
  drawImage(ctx, width, height, image);
}

// Every channel as a square: in its lane's color, and the grayer the less it can learn.
function drawUnits(ctx, width, height, gray, color, colors) {
  const [full, none] = [color, colors.line].map(rgb), across = 32, side = Math.min(width / across, height / 4);
  gray.forEach((share, i) => {
    const mixed = full.map((value, c) => Math.round(value + share * (none[c] - value)));
    ctx.fillStyle = `rgb(${mixed})`;
    ctx.fillRect((i % across) * side + 0.5, Math.floor(i / across) * side + 0.5, side - 1, side - 1);
  });
}

// "2 of 32 dead" or "60 % saturated", for conv1 to conv3.
export function grayInWords(activation, gray) {
  const rectifier = activation.endsWith("relu");
  let from = 0;
  const parts = COUNTS.map((count, i) => {
    const sum = gray.slice(from, (from += count)).reduce((total, share) => total + share, 0);
    return `conv${i + 1} ${rectifier ? `${sum} of ${count}` : `${Math.round((100 * sum) / count)} %`}`;
  });
  return `${rectifier ? "Never above 0" : "Saturated"}: ${parts.join(", ")}`;
}

function draw({ result, pictures, colors }) {
  const { lanes, key, words } = result, race = pictures.now(key);
  const so = lanes.map(({ name }, i) => {
    const mine = race?.lanes[i]?.wrong ?? [];
    return mine.length ? `${name} at ${Math.round((100 * mine.at(-1)) / race.patches)} % after ${steps(mine.length - 1)}` : name;
  });
  pictures.curve.retitle(race?.lanes.length ? `Training error by step. Thick, here; dotted, torch with seed 0; dashed, 25 %. ${so.join("; ")}.`
    : "Training error by step, as torch found it with seed 0; dashed, 25 %. Start, and the same race runs here.");
  pictures.curve.paint(`Training error by step, with a line at 25 %: ${so.join("; ")}`,
    (ctx, width, height) => drawCurves(ctx, width, height, lanes, race, colors));
  pictures.lanes.forEach(({ head, kernels, units }, i) => {
    const { activation, name, rate } = lanes[i], color = colorOf(activation, colors), mine = race?.lanes[i];
    head.textContent = `${name}, rate ${rate}`;
    head.style.borderColor = color;
    const [hasKernels, hasGray] = [mine?.kernels, mine?.gray];
    kernels.retitle(hasKernels ? "32 kernels of conv1" : "32 kernels of conv1 will grow here");
    kernels.paint(hasKernels ? `The kernels of conv1 in the lane of ${name}` : "No kernels yet",
      (ctx, width, height) => (hasKernels ? drawKernels(ctx, width, height, mine, colors) : blank(ctx, width, height, 8, 4, colors)));
    units.retitle(hasGray ? grayInWords(activation, mine.gray) : "128 channels; gray: they hardly learn");
    units.paint(hasGray ? `Channels in the lane of ${name}. ${grayInWords(activation, mine.gray)}` : "No channels yet",
      (ctx, width, height) => drawUnits(ctx, width, height, mine?.gray ?? new Float32Array(128).fill(0.8), color, colors));
  });
  pictures.words.textContent = words;
}
function blank(ctx, width, height, across, rows, colors) {
  ctx.fillStyle = colors.panel;
  for (let i = 0; i < across * rows; i++) {
    ctx.fillRect(((i % across) * width) / across + 1, (Math.floor(i / across) * height) / rows + 1, width / across - 2, height / rows - 2);
  }
}

const style = `
.whole { grid-column: span 12; }
.go { background: var(--plus); border-color: var(--plus); color: var(--ground); font-weight: 650; min-width: 7rem; }
button:disabled { opacity: 0.5; cursor: default; }
.lane { grid-column: span 6; display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 0.4rem 0; align-content: start; min-width: 0; }
.head { grid-column: 1 / -1; font-weight: 600; border-bottom: 4px solid; padding-bottom: 0.15rem; }
.limits { font-size: 0.92rem; }
caption { text-align: left; font-weight: 600; padding: 0.2rem 0; }
`;

export default explorer({ title: "A race of two networks", prepare, build, compute, draw, summary, style });
