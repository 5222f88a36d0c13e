// conv1 while the network was trained: 48 kernels of each tower, and how colorful they are on average (§6.1).

const KERNELS = 96, PLACES = 121, ACROSS = 8;
const SPLITS = 999; // random halves of the 96 kernels

export function summary({ snapshot, scale }, { epochs, scales }) {
  return `conv1 after ${number(epochs[snapshot - 1])} epochs of training, snapshot ${snapshot} of ${epochs.length}; `
    + `scale: ${scales[scale]}.`;
}

// How much of each kernel's energy is color: 1 - sum (R + G + B)^2 / (3 sum (R^2 + G^2 + B^2)), as in qualitative.py.
export function colorfulness(weights) {
  return Array.from({ length: weights.length / (3 * PLACES) }, (_, kernel) => {
    let energy = 0, gray = 0;
    for (let at = 3 * PLACES * kernel, end = at + PLACES; at < end; at++) {
      const [r, g, b] = [weights[at], weights[at + PLACES], weights[at + 2 * PLACES]];
      energy += r * r + g * g + b * b;
      gray += (r + g + b) ** 2 / 3;
    }
    return energy ? 1 - gray / energy : 0;
  });
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// The null: the same kernels dealt out to two halves at random. {low, high}: 95 % of the means of a half; {p}: how
// many of the splits, the given one among them, are at least as far apart as the towers.
export function randomHalves(color, splits = SPLITS) {
  const half = color.length / 2, whole = mean(color), dealt = [...color];
  const gap = Math.abs(mean(color.slice(0, half)) - mean(color.slice(half))), means = [];
  const draws = uniform(2012, splits * half);
  let asFar = 1, drawn = 0;
  for (let split = 0; split < splits; split++) {
    for (let i = 0; i < half; i++) { // the first half of a shuffle is a random half
      const other = i + Math.floor(draws[drawn++] * (dealt.length - i));
      [dealt[i], dealt[other]] = [dealt[other], dealt[i]];
    }
    let sum = 0;
    for (let i = 0; i < half; i++) sum += dealt[i];
    means.push(sum / half);
    if (2 * Math.abs(sum / half - whole) >= gap - 1e-12) asFar += 1;
  }
  means.sort((a, b) => a - b);
  return { gap, p: asFar / (splits + 1), low: means[Math.floor(0.025 * splits)], high: means[Math.floor(0.975 * splits)] };
}

const prepare = (model) => {
  const params = model.get("params");
  return { epochs: model.get("epochs"), scales: Object.fromEntries(params.find((p) => p.name === "scale").options) };
};

function build({ parent, model, change, values, ask, data: { epochs } }) {
  let found = null, loading = false, timer = 0;
  const problem = node("p", { class: "problem", role: "alert", hidden: "" });
  const startButton = button(`▶ Load the ${epochs.length} snapshots (0.9 MB)`, () => load());
  const playButton = button("", () => (timer ? pause() : play()));
  const answer = node("p", { role: "status" });
  parent.append(node("div", { class: "buttons" }, startButton, playButton), problem);
  const towers = [0, 1].map(() => picture(parent, { caption: "", columns: 6, narrow: 6, aspect: ACROSS / 6 }));
  const lines = picture(parent, { caption: "Mean colorfulness of the kernels of each tower. Band: 95 % of random halves of the same 96 kernels. Click a snapshot.",
    aspect: 2.6, drag: true, onpick: (x) => {
      const { width } = figures[2].querySelector("canvas").getBoundingClientRect();
      change({ snapshot: 1 + nearest((x * width - LEFT) / (width - LEFT - RIGHT)) });
    } });
  parent.append(answer);
  const figures = [...parent.querySelectorAll("figure")];

  const nearest = (share) => {
    const far = epochs.map((epoch) => Math.abs(epoch / epochs.at(-1) - share));
    return far.indexOf(Math.min(...far));
  };
  async function load() {
    if (found || loading) return;
    loading = true;
    ask();
    try {
      const { scales, levels } = await assetOf(model, "snapshots");
      const stream = new Blob([bytesOf(levels)]).stream().pipeThrough(new DecompressionStream("deflate"));
      const rounded = new Int8Array(await new Response(stream).arrayBuffer()), size = 3 * PLACES;
      const weights = Float32Array.from(rounded, (level, i) => level * scales[Math.floor(i / size)]);
      const each = epochs.map((_, i) => weights.subarray(i * KERNELS * size, (i + 1) * KERNELS * size));
      const colors = each.map(colorfulness);
      found = { each, colors, nulls: colors.map((color) => randomHalves(color)), peak: Math.max(...each.map((one) => one.reduce((most, w) => Math.max(most, Math.abs(w)), 0))) };
      problem.hidden = true;
    } catch (error) {
      problem.textContent = `The snapshots did not load: ${error.message}.`;
      problem.hidden = false;
    }
    loading = false;
    ask();
  }
  function play() {
    const next = () => {
      const { snapshot } = values();
      if (document.hidden || snapshot === epochs.length) { pause(); return; }
      change({ snapshot: snapshot + 1 });
    };
    if (values().snapshot === epochs.length) change({ snapshot: 1 });
    timer = setInterval(next, 350);
    ask();
  }
  function pause() {
    clearInterval(timer);
    timer = 0;
    ask();
  }

  function paint({ snapshot, scale }, colors) {
    startButton.hidden = Boolean(found);
    startButton.disabled = loading;
    playButton.hidden = !found;
    playButton.textContent = timer ? "Pause" : "▶ Watch them grow";
    for (const figure of figures) figure.hidden = !found;
    answer.textContent = found ? "" : "Nothing is loaded before you ask.";
    if (!found) return;
    const weights = found.each[snapshot - 1], tones = [colors.plus, colors.minus], color = found.colors[snapshot - 1];
    const means = [color.slice(0, KERNELS / 2), color.slice(KERNELS / 2)].map(mean), { gap, p } = found.nulls[snapshot - 1];
    towers.forEach((tower, n) => {
      tower.retitle(`Tower ${n + 1}: mean colorfulness ${number(means[n])}`);
      tower.paint(`The 48 kernels of tower ${n + 1}, 11 by 11 in color`, (ctx, width, height) => sheet(ctx, width, height, weights, n, scale));
    });
    lines.paint(`Mean colorfulness over ${number(epochs.at(-1))} epochs: tower 1 ends at ${number(mean(found.colors.at(-1).slice(0, 48)))}, tower 2 at ${number(mean(found.colors.at(-1).slice(48)))}`,
      (ctx, width, height) => curves(ctx, width, height, snapshot, tones, colors));
    answer.textContent = `After ${number(epochs[snapshot - 1])} epochs the towers are ${number(gap)} apart. Of 1,000 ways to halve the same kernels, `
      + `${Math.round(1000 * p)} are at least as far apart (p = ${p.toFixed(3)}). One network: it says nothing of other seeds.`;
  }
  function sheet(ctx, width, height, weights, tower, scale) {
    const step = 12, image = new ImageData(ACROSS * step - 1, 6 * step - 1);
    for (let i = 0; i < KERNELS / 2; i++) {
      const from = (tower * (KERNELS / 2) + i) * 3 * PLACES, own = weights.subarray(from, from + 3 * PLACES);
      const peak = scale === "one" ? found.peak : own.reduce((most, w) => Math.max(most, Math.abs(w)), 1e-9);
      for (let at = 0; at < PLACES; at++) {
        const to = 4 * ((Math.floor(i / ACROSS) * step + Math.floor(at / 11)) * image.width + (i % ACROSS) * step + (at % 11));
        for (let c = 0; c < 3; c++) image.data[to + c] = 127.5 + (127.5 * own[c * PLACES + at]) / peak;
        image.data[to + 3] = 255;
      }
    }
    drawImage(ctx, width, height, image);
  }
  function curves(ctx, width, height, snapshot, tones, colors) {
    const all = [...found.nulls.flatMap(({ low, high }) => [low, high]), ...found.colors.flatMap((color) => [mean(color.slice(0, 48)), mean(color.slice(48))])];
    const low = Math.min(...all) - 0.02, high = Math.max(...all) + 0.02;
    const at = (epoch) => LEFT + (epoch / epochs.at(-1)) * (width - LEFT - RIGHT), px = (i) => at(epochs[i]);
    const py = (value) => (height - 22) * (1 - (value - low) / (high - low)) + 2;
    ctx.fillStyle = colors.panel;
    ctx.beginPath();
    found.nulls.forEach(({ low: value }, i) => ctx.lineTo(px(i), py(value)));
    [...found.nulls.keys()].reverse().forEach((i) => ctx.lineTo(px(i), py(found.nulls[i].high)));
    ctx.fill();
    ctx.fillStyle = colors.quiet;
    for (let value = Math.ceil(10 * low) / 10; value <= high; value += 0.1) ctx.fillText(value.toFixed(1), 0, py(value) + 4);
    for (let epoch = 0; epoch <= epochs.at(-1); epoch += 2) ctx.fillText(epoch, at(epoch) - 4, height - 4);
    ctx.fillText("epoch", 0, height - 4);
    tones.forEach((tone, n) => {
      const points = found.colors.map((color, i) => [px(i), py(mean(color.slice(48 * n, 48 * n + 48)))]);
      line(ctx, points, tone, 2.5, n ? [7, 4] : []);
      ctx.fillStyle = tone;
      for (const [x, y] of points) ctx.fillRect(x - 2, y - 2, 4, 4);
      ctx.fillText(`tower ${n + 1}`, points.at(-1)[0] + 6, points.at(-1)[1] + 4);
    });
    line(ctx, [[px(snapshot - 1), 0], [px(snapshot - 1), height - 20]], colors.mark, 2);
  }
  return { paint, end: pause };
}
const LEFT = 48, RIGHT = 56; // pixels beside the curves, for numbers and names

const draw = ({ state, pictures, colors }) => pictures.paint(state, colors);
const style = `
.pictures > p, .pictures > .buttons { grid-column: 1 / -1; }
.problem { padding: 0.4rem 0.6rem; border-left: 4px solid var(--minus); background: var(--panel); }
`;
export default explorer({ title: "Kernels that grow", reset: "Reset", prepare, build, compute: () => null, draw, summary, style });
