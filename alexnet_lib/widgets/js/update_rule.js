// Two rules of momentum on a bowl (§5): the learning rate inside the velocity, and outside of it.

const STEPS = 120;
const CURVATURE = [1, 10], MINIMUM = [2, 1]; // away from 0, where weight decay pulls
const LEFT = -4.5, RIGHT = 7.5, LOW = -3.5, HIGH = 5; // the part of the bowl that is drawn
const SAME = 1e-9; // paths nearer than this differ by rounding alone

// One step of each rule: {w, v} -> {w, v}, for one weight with gradient g.
export const RULES = {
  paper: ({ w, v }, g, rate, momentum, decay) => {
    const moved = momentum * v - decay * rate * w - rate * g;
    return { w: w + moved, v: moved };
  },
  torch: ({ w, v }, g, rate, momentum, decay) => {
    const gathered = momentum * v + g + decay * w;
    return { w: w - rate * gathered, v: gathered };
  },
};

// The weights after 0, 1, ... steps; the loss is the sum of curvature (w - minimum)^2 / 2, and the learning rate is
// divided by ten after `drop` steps.
export function walk(rule, { w1, w2, rate, momentum, weight_decay: decay, drop }, steps = STEPS) {
  let state = [w1, w2].map((w) => ({ w, v: 0 }));
  const path = [[w1, w2]];
  for (let step = 0; step < steps; step++) {
    const now = step < drop ? rate : rate / 10;
    const slope = state.map(({ w }, i) => CURVATURE[i] * (w - MINIMUM[i]));
    state = state.map((one, i) => RULES[rule](one, slope[i], now, momentum, decay));
    path.push(state.map((one) => one.w));
  }
  return path;
}

export const distance = (a, b) => Math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2);

export function summary({ drop }, data, { paper, torch, apart }) {
  const ends = [paper, torch].map((path) => number(distance(path[STEPS], MINIMUM)));
  const most = Math.max(...apart), both = "Both rules walk the same path";
  if (most < SAME) return `${both} for all ${STEPS} steps and end ${ends[0]} from the minimum.`;
  const strides = [paper, torch].map((path) => number(distance(path[drop + 1], path[drop])));
  return `${both} until the learning rate drops after step ${drop}; the next step is ${strides[0]} long by the `
    + `paper's rule and ${strides[1]} by torch's. They part by up to ${number(most)}, at step `
    + `${apart.indexOf(most)}, and end ${ends[0]} and ${ends[1]} from the minimum.`;
}

function compute(state) {
  const paper = walk("paper", state), torch = walk("torch", state);
  return { paper, torch, apart: paper.map((point, step) => distance(point, torch[step])) };
}

// ---- momentum against none, a step at a time

const FRAMES = 3; // of the screen for one step
const EXAGGERATED = 3; // times the velocity that an arrow shows
const PAPER = 0.9; // against none, where the setting has none itself

// Two walks at a constant learning rate, with the momentum of the setting and without.
function buildTraining({ parent, ask: redraw }) {
  const go = button("▶ Train", () => (run ? end() : start()));
  const told = node("span", { role: "status" });
  parent.append(node("div", { class: "buttons whole" }, go, told));
  const view = picture(parent, { caption: "", aspect: 2.4 }), frame = parent.lastChild;
  let run = null, waiting = 0;

  function start() {
    run = { frames: matchMedia("(prefers-reduced-motion: reduce)").matches ? STEPS * FRAMES : 0 };
    told.textContent = "";
    tick();
  }
  function tick() {
    if (!run) return;
    run.frames = Math.min(run.frames + 1, STEPS * FRAMES);
    redraw();
    if (run.frames < STEPS * FRAMES) waiting = requestAnimationFrame(tick);
  }
  function end() {
    cancelAnimationFrame(waiting);
    run = null;
    redraw();
  }
  return {
    view, told,
    now(state) { // a changed setting begins anew
      const key = JSON.stringify(state);
      if (run && run.key !== key) {
        const steady = { ...state, drop: STEPS, momentum: state.momentum || PAPER };
        Object.assign(run, { key, walks: [walk("paper", steady), walk("paper", { ...steady, momentum: 0 })] });
      }
      go.textContent = run ? "■ Close" : "▶ Train: momentum against none";
      frame.hidden = !run;
      return run;
    },
    end,
  };
}

function drawWalkers(ctx, width, height, walks, step, colors) {
  const spot = ([w1, w2]) => [((w1 - LEFT) / (RIGHT - LEFT)) * width, ((HIGH - w2) / (HIGH - LOW)) * height];
  drawLevels(ctx, spot, colors);
  Object.assign(ctx, { fillStyle: colors.ink, textAlign: "center", textBaseline: "middle" });
  ctx.fillText("+", ...spot(MINIMUM));
  walks.forEach((path, i) => {
    const color = i ? colors.minus : colors.plus, [x, y] = spot(path[step]);
    line(ctx, path.slice(0, step + 1).map(spot), color, 1.5, i ? [4, 4] : []);
    if (step) {
      const tip = spot(path[step].map((w, k) => w + EXAGGERATED * (w - path[step - 1][k]))), turn = Math.atan2(tip[1] - y, tip[0] - x);
      const barb = (angle) => [tip[0] - 8 * Math.cos(turn + angle), tip[1] - 8 * Math.sin(turn + angle)];
      line(ctx, [[x, y], tip], colors.mark, 2.5);
      if (Math.hypot(tip[0] - x, tip[1] - y) > 4) line(ctx, [barb(0.5), tip, barb(-0.5)], colors.mark, 2.5);
    }
    ctx.fillStyle = color;
    ctx.beginPath();
    ctx.arc(x, y, 6, 0, 2 * Math.PI);
    ctx.fill();
  });
}

function drawTraining({ training }, state, colors) {
  const run = training.now(state);
  if (!run) return;
  const step = Math.floor(run.frames / FRAMES), left = run.walks.map((path) => number(distance(path[step], MINIMUM)));
  const words = `After ${step} of ${STEPS} steps at learning rate ${state.rate}: ${left[0]} from the minimum with momentum ${state.momentum || PAPER}, ${left[1]} without`;
  training.view.retitle(`${words}. Solid, with momentum; dashed, without; arrows, ${EXAGGERATED} times the velocity.`);
  training.view.paint(words, (ctx, width, height) => drawWalkers(ctx, width, height, run.walks, step, colors));
  if (step === STEPS) training.told.textContent = `${words}.`;
}

function build({ parent, change, ask }) {
  const within = (value, most) => Number(Math.max(-most, Math.min(most, value)).toFixed(1));
  const onpick = (x, y) => change({
    w1: within(LEFT + x * (RIGHT - LEFT), 4), w2: within(HIGH - y * (HIGH - LOW), 3),
  });
  const half = { columns: 6, aspect: (RIGHT - LEFT) / (HIGH - LOW) };
  const bowl = picture(parent, {
    ...half, drag: true, onpick,
    caption: "The bowl: solid, the paper's path; dashed, torch's; ring, where the learning rate drops; +, the "
      + "minimum; ×, 0, where weight decay pulls. Drag to move the start.",
  });
  const caption = "Distance to the minimum at each step, logarithmic; dotted, where the learning rate drops";
  const curve = picture(parent, { ...half, caption });
  const table = node("table"), attributes = { class: "scroll", tabindex: 0, role: "region" };
  parent.append(node("div", { ...attributes, "aria-label": "Steps around the drop" }, table));
  const training = buildTraining({ parent, ask });
  return { bowl, curve, table, training, end: training.end };
}

const round = (steps, at) => Array.from({ length: steps + 1 }, (_, i) => at((2 * Math.PI * i) / steps));

function drawLevels(ctx, spot, colors) {
  for (let size = 1; size < 12; size += 1.5) { // lines of equal loss size^2 / 2
    const ellipse = (angle) => [Math.cos(angle), Math.sin(angle)].map((part, i) =>
      MINIMUM[i] + (size * part) / Math.sqrt(CURVATURE[i]));
    line(ctx, round(60, ellipse).map(spot), colors.line);
  }
}

function drawBowl(ctx, width, height, { paper, torch }, drop, colors) {
  const spot = ([w1, w2]) => [((w1 - LEFT) / (RIGHT - LEFT)) * width, ((HIGH - w2) / (HIGH - LOW)) * height];
  drawLevels(ctx, spot, colors);
  line(ctx, torch.map(spot), colors.minus, 2.5, [6, 4]);
  line(ctx, paper.map(spot), colors.plus, 2);
  ctx.fillStyle = colors.plus;
  for (const point of paper) ctx.fillRect(...spot(point).map((at) => at - 1.5), 3, 3);
  const ring = (point, radius) => line(ctx, round(24, (angle) =>
    [Math.cos(angle), Math.sin(angle)].map((part, i) => spot(point)[i] + radius * part)), colors.mark, 2);
  if (drop < STEPS) ring(paper[drop], 7);
  Object.assign(ctx, { fillStyle: colors.ink, textAlign: "center", textBaseline: "middle" });
  const [x, y] = spot(paper[0]);
  ctx.fillText("start", x, y - 12);
  ctx.font = "bold 18px system-ui, sans-serif";
  ctx.fillText("+", ...spot(MINIMUM));
  ctx.fillText("×", ...spot([0, 0]));
}

function drawCurve(ctx, width, height, { paper, torch }, drop, colors) {
  const low = 1e-4, high = 12, left = 46;
  const x = (step) => left + (step / STEPS) * (width - left - 14);
  const y = (value) => 8 + (Math.log(high / Math.max(low, value)) / Math.log(high / low)) * (height - 30);
  Object.assign(ctx, { fillStyle: colors.quiet, textAlign: "right", textBaseline: "middle" });
  for (const value of [0.0001, 0.001, 0.01, 0.1, 1, 10]) {
    line(ctx, [[left, y(value)], [width, y(value)]], colors.line);
    ctx.fillText(value, left - 4, y(value));
  }
  ctx.textAlign = "center";
  for (const step of [0, 30, 60, 90, 120]) ctx.fillText(step, x(step), height - 8);
  line(ctx, [[x(drop), 0], [x(drop), height - 18]], colors.mark, 2, [2, 4]);
  const track = (path) => path.map((point, step) => [x(step), y(distance(point, MINIMUM))]);
  line(ctx, track(torch), colors.minus, 2.5, [6, 4]);
  line(ctx, track(paper), colors.plus, 2);
}

// How long single steps are around the drop, and how far apart the paths.
function rows({ rate, drop }, { paper, torch, apart }) {
  const later = [0, 1, 2, 5, 10, 20, 50].map((more) => drop + more);
  const stride = (path, step) => number(distance(path[step], path[step - 1]));
  const cells = later.filter((step) => step > 0 && step <= STEPS).map((step) => [
    step, Number((step > drop ? rate / 10 : rate).toPrecision(3)), stride(paper, step), stride(torch, step),
    apart[step] < SAME ? "0" : number(apart[step]),
  ]);
  return [["Step", "Learning rate", "Its length, paper", "Its length, torch", "Paths apart"], ...cells];
}

function draw({ state, result, pictures, colors }) {
  const [from, to] = [0, STEPS].map((step) => number(distance(result.paper[step], MINIMUM)));
  pictures.bowl.paint(`Two paths on a bowl from ${from} away from its minimum to ${to} by the paper's rule`,
    (ctx, width, height) => drawBowl(ctx, width, height, result, state.drop, colors));
  pictures.curve.paint(`Distance to the minimum over ${STEPS} steps; the learning rate drops after ${state.drop}`,
    (ctx, width, height) => drawCurve(ctx, width, height, result, state.drop, colors));
  drawTraining(pictures, state, colors);
  pictures.table.replaceChildren(...rows(state, result).map((row, at) =>
    node("tr", {}, ...row.map((text) => node(at ? "td" : "th", {}, String(text))))));
}

const checked = (state, data, { paper, torch, apart }) => {
  const sixth = (path) => path.filter((_, step) => step && step % 6 === 0).flat();
  return [...sixth(paper), ...sixth(torch), Math.max(...apart)];
};

export default explorer({ title: "Two rules of momentum", build, compute, draw, summary, checked, sweep: "rate",
  style: ".whole { grid-column: span 12; }" });
