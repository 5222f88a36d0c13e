// Teach it your classes: the trained network's last hidden layer describes a few photographs, a softmax learns to
// tell them apart, and says how sure one may be (§6.1, §7).

const LETTERS = ["A", "B", "C"];
const MOST = 20; // photographs of a class, and to judge
const STEPS = 150, DECAY = 0.01; // of gradient descent; measured on many pairs of classes, and not critical

export function summary({ things }) {
  return `A head for ${things} classes of your own, on the 4,096 activations of fc7.`;
}

const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };

// Products of all pairs of rows, (n, n): all that training needs to know of them.
export function products(rows) {
  const found = rows.map(() => new Float64Array(rows.length));
  rows.forEach((row, i) => { for (let j = 0; j <= i; j++) found[i][j] = found[j][i] = dot(row, rows[j]); });
  return found;
}

// A softmax on centered features, by gradient descent on a coefficient for each example and class: its weights are
// sums of the examples. `train` are rows of `gram`. `judgedBy` reads what it returns.
export function fit(gram, train, labels, classes) {
  const n = train.length, center = train.map((i) => train.reduce((sum, j) => sum + gram[i][j], 0) / n);
  const whole = center.reduce((sum, value) => sum + value, 0) / n;
  const K = train.map((i, a) => train.map((j, b) => gram[i][j] - center[a] - center[b] + whole));
  const scale = K.reduce((sum, row, a) => sum + row[a], 0) / n || 1; // the mean squared length becomes 1
  const A = train.map(() => new Float64Array(classes));
  for (let step = 0; step < STEPS; step++) {
    const wrong = K.map((row, a) => {
      const scores = Array.from({ length: classes }, (_, c) => row.reduce((sum, value, b) => sum + value * A[b][c], 0) / scale);
      return chances(scores).map((chance, c) => chance - (labels[train[a]] === c ? 1 : 0));
    });
    wrong.forEach((row, a) => row.forEach((value, c) => { A[a][c] -= 2 * (value / n + DECAY * A[a][c]); }));
  }
  return { A, scale, center, whole };
}

// The scores of a photograph, from its products with the examples of training.
function judgedBy({ A, scale, center, whole }, its, classes) {
  const middle = its.reduce((sum, value) => sum + value, 0) / its.length;
  const k = its.map((value, a) => (value - middle - center[a] + whole) / scale);
  return Array.from({ length: classes }, (_, c) => k.reduce((sum, value, a) => sum + value * A[a][c], 0));
}

export function chances(scores) {
  const most = Math.max(...scores), powers = scores.map((score) => Math.exp(score - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// The head as a layer that stands in for fc8: {weight: a row for each class, bias}.
export function headOf(rows, train, { A, scale }, classes) {
  const width = rows[0].length, center = new Float64Array(width), weight = Array.from({ length: classes }, () => new Float32Array(width));
  for (const i of train) for (let k = 0; k < width; k++) center[k] += rows[i][k] / train.length;
  weight.forEach((row, c) => {
    for (let k = 0; k < width; k++) row[k] = train.reduce((sum, i, a) => sum + A[a][c] * (rows[i][k] - center[k]), 0) / scale;
  });
  return { weight, bias: Float32Array.from(weight, (row) => -dot(row, center)) };
}
export const scoresOf = ({ weight, bias }, row) => weight.map((one, c) => dot(one, row) + bias[c]);

const best = (list) => list.indexOf(Math.max(...list));

// Each example judged by a head that has not seen it: how many are right. Waits now and then, so that nothing freezes.
export async function leaveOneOut(rows, gram, labels, classes, alive = () => true) {
  let right = 0, last = performance.now();
  for (let i = 0; i < rows.length && alive(); i++) {
    const others = rows.map((_, j) => j).filter((j) => j !== i);
    const scores = judgedBy(fit(gram, others, labels, classes), others.map((j) => gram[i][j]), classes);
    right += best(scores) === labels[i];
    if (performance.now() - last > 12) { await new Promise((resolve) => setTimeout(resolve)); last = performance.now(); }
  }
  return right;
}

// The index of the nearest of `others` to a row, by Euclidean distance.
export function nearestOf(row, others, but = -1) {
  let nearest = -1, least = Infinity;
  others.forEach((other, j) => {
    if (j === but) return;
    let sum = 0;
    for (let k = 0; k < row.length; k++) sum += (row[k] - other[k]) ** 2;
    if (sum < least) { least = sum; nearest = j; }
  });
  return nearest;
}

// Wilson's 95 % confidence interval of a fraction.
export function interval(right, of) {
  const z = 1.96, p = right / of, middle = (p + z * z / (2 * of)) / (1 + z * z / of);
  const half = (z * Math.sqrt(p * (1 - p) / of + z * z / (4 * of * of))) / (1 + z * z / of);
  return [middle - half, middle + half];
}

// ---------------------------------------------------------------- an .npz file: .npy arrays in a zip, uncompressed

function npy(kind, shape, bytes) {
  const shaped = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  let header = `{'descr': '${kind}', 'fortran_order': False, 'shape': (${shaped}), }`;
  header += `${" ".repeat(63 - ((10 + header.length) % 64))}\n`;
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length & 255, header.length >> 8];
  return new Uint8Array([...start, ...new TextEncoder().encode(header), ...bytes]);
}
function crc32(bytes) {
  let sum = -1;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (sum ^ -1) >>> 0;
}
function zipped(files) {
  const little = (value, bytes) => Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);
  const parts = [], table = [];
  let at = 0;
  for (const [name, content] of files) {
    const letters = [...new TextEncoder().encode(name)], size = content.length;
    const common = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, ...little(crc32(content), 4), ...little(size, 4), ...little(size, 4), ...little(letters.length, 2), 0, 0];
    const local = [...little(0x04034b50, 4), ...common, ...letters];
    table.push(...little(0x02014b50, 4), 20, 0, ...common, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...little(at, 4), ...letters);
    parts.push(new Uint8Array(local), content);
    at += local.length + size;
  }
  const count = little(files.length, 2);
  return new Blob([...parts, new Uint8Array([...table, ...little(0x06054b50, 4), 0, 0, 0, 0, ...count, ...count, ...little(table.length, 4), ...little(at, 4), 0, 0])]);
}

// weight (classes, 4096) and bias (classes,) as float32, classes as text.
export function npz({ weight, bias }, names) {
  const bytes = (arrays) => arrays.flatMap((array) => [...new Uint8Array(array.buffer)]);
  const letters = names.map((name) => [...name]), longest = Math.max(1, ...letters.map((name) => name.length));
  const text = Uint32Array.from(letters.flatMap((name) => [...name.map((letter) => letter.codePointAt(0)), ...Array(longest - name.length).fill(0)]));
  return zipped([
    ["weight.npy", npy("<f4", [weight.length, weight[0].length], bytes(weight))],
    ["bias.npy", npy("<f4", [bias.length], bytes([bias]))],
    ["classes.npy", npy(`<U${longest}`, [names.length], bytes([text]))],
  ]);
}

// ---------------------------------------------------------------- the widget

const FILE = "my_classes.npz";
const PYTHON = `from alexnet_lib.qualitative import trained_network
mine = trained_network(head="${FILE}")
mine.label(["photo.jpg"])`;
// Squares cut out of two of the ten photographs, so that there is something to try at once.
const EXAMPLE = ["astronaut", "coffee"], PIECE = 64;

function build({ parent, model, values, ask }) {
  const net = {}, classes = LETTERS.map((letter) => ({ name: letter, photos: [] })), judged = [];
  const taught = { head: null, busy: "", round: 0, words: "", facts: [] };
  const problem = node("p", { class: "problem", role: "alert", hidden: "" });
  const say = (words) => { problem.textContent = words; problem.hidden = !words; };
  const answer = node("p", { class: "answer", role: "status" });

  const boxes = classes.map((one, c) => {
    const name = node("input", { type: "text", maxlength: 30, value: one.name, "aria-label": `Name of class ${c + 1}` });
    name.addEventListener("input", () => { one.name = name.value.trim() || LETTERS[c]; ask(); });
    const photos = node("div", { class: "photos" }), zone = node("div", { class: "box", "data-box": LETTERS[c] }, node("div", { class: "head" }, name), photos);
    zone.append(node("div", { class: "buttons" }, ...pictureInput({ zone, words: "Photos …", most: MOST, take: (all, came) => take(one, all, came) })));
    return { zone, photos, name };
  });
  const judge = node("div", { class: "box judge", "data-box": "judge" }, node("div", { class: "head" }, node("b", {}, "To judge")), node("div", { class: "rows" }));
  judge.append(node("div", { class: "buttons" }, ...pictureInput({ zone: judge, words: "Photos …", most: MOST, take: (all, came) => take(null, all, came) })));
  const example = button("Try it with ours: astronaut or coffee?", tryExample);
  const clear = button("Start over", startOver);
  const facts = node("ul", { class: "facts" });
  const download = button(`Download the head (${FILE})`, save);
  const code = node("pre", { tabindex: 0, "aria-label": "Python that loads the head" }, PYTHON);
  const takeAway = node("div", { class: "take" }, download, code);
  parent.append(node("p", { class: "quiet" }, "Drop five photos of one thing into A and five of another into B. They stay in this page: nothing is uploaded."),
    node("div", { class: "buttons" }, example, clear), problem, ...boxes.map(({ zone }) => zone), answer, facts, judge, takeAway);

  // ---- photographs in
  let starting = null;
  function start() {
    starting ||= openNetwork(model).then((opened) => Object.assign(net, opened)).catch((error) => {
      starting = null;
      throw new Error(`The network did not start: ${error.message}.`);
    });
    return starting;
  }
  const hash = ({ data }) => data.reduce((sum, value) => (Math.imul(sum, 31) + value) | 0, 7);
  async function describe(pixels, name) {
    const { stages } = await net.engine.ask("run", { pixels: pixels.data });
    return { name, canvas: canvasOf(pixels), key: hash(pixels), row: stages.at(-2).values, pixels: Float32Array.from(pixels.data) };
  }
  async function take(one, coming, came) {
    taught.busy = net.engine ? "Reading ..." : "Loading the network (3 MB) ...";
    ask();
    const words = [], list = one ? one.photos : judged, left = MOST - list.length;
    const results = await Promise.allSettled(coming);
    try {
      await start();
      if (came > left) words.push(`${came} photos came${one ? ` for “${one.name}”` : ""}; ${left ? `the first ${left} are used` : "none is used"}: the page keeps at most ${MOST}.`);
      for (const { value, reason } of results) {
        if (reason) { words.push(reason.message); continue; }
        if (list.length >= MOST) { value.bitmap.close(); continue; }
        const found = await describe(squarePixels(value.bitmap, net.file.header.side), value.name);
        value.bitmap.close();
        if (value.words) words.push(value.words);
        if (list.some(({ key }) => key === found.key)) words.push(`${value.name} is already ${one ? `in “${one.name}”` : "there"}, so it is not added again.`);
        else list.push(found);
      }
    } catch (error) {
      words.push(error.message);
    }
    taught.busy = "";
    say(words.join(" "));
    await (one ? train() : ask());
  }
  async function tryExample() {
    startOver();
    taught.busy = "Loading the network (3 MB) ...";
    ask();
    try {
      await start();
      const pieces = EXAMPLE.map((name) => canvasOf(net.photos[name])), { side } = net.file.header, far = side - PIECE;
      const places = Array.from({ length: 10 }, (_, i) => [Math.round(((i % 4) / 3) * far), Math.round((Math.floor(i / 4) / 2.25) * far)]);
      for (const [c, piece] of pieces.entries()) {
        classes[c].name = boxes[c].name.value = EXAMPLE[c];
        for (const [i, [x, y]] of places.entries()) {
          const square = new OffscreenCanvas(PIECE, PIECE);
          square.getContext("2d").drawImage(piece, -x, -y);
          const found = await describe(squarePixels(square, side), `piece ${i + 1}`);
          (i % 2 ? judged : classes[c].photos).push(found);
        }
      }
    } catch (error) {
      say(error.message);
    }
    taught.busy = "";
    await train();
  }
  function startOver() {
    judged.length = 0;
    classes.forEach((one, c) => { one.photos.length = 0; one.name = boxes[c].name.value = LETTERS[c]; });
    taught.head = null;
    say("");
    train();
  }
  function remove(list, found) {
    list.splice(list.indexOf(found), 1);
    list === judged ? ask() : train();
  }

  // ---- learning
  const using = () => classes.slice(0, values().things);
  async function train() {
    const mine = (taught.round += 1), all = using(), full = all.filter(({ photos }) => photos.length);
    Object.assign(taught, { head: null, facts: [], loo: null, things: values().things });
    if (full.length < 2) { ask(); return; }
    const started = performance.now(), examples = full.flatMap(({ photos }) => photos), rows = examples.map(({ row }) => row);
    const labels = full.flatMap(({ photos }, c) => photos.map(() => c)), everyone = rows.map((_, i) => i), gram = products(rows);
    const learned = fit(gram, everyone, labels, full.length);
    Object.assign(taught, { head: headOf(rows, everyone, learned, full.length), full, examples, labels, milliseconds: performance.now() - started });
    ask();
    const told = [], lone = full.filter(({ photos }) => photos.length === 1);
    const twice = full.flatMap((one, c) => full.slice(c + 1).flatMap((other) => one.photos.filter(({ key }) => other.photos.some((photo) => photo.key === key)).map(() => [one, other])));
    if (twice.length) told.push(`“${twice[0][0].name}” and “${twice[0][1].name}” have the same photo. No head can tell it from itself: remove one of the two.`);
    if (lone.length) told.push(`“${lone[0].name}” has one photo. Left out, it leaves its class empty, so it cannot count as a test: add a second one.`);
    else {
      const alive = () => mine === taught.round, right = await leaveOneOut(rows, gram, labels, full.length, alive);
      if (!alive()) return;
      const [low, high] = interval(right, rows.length), percent = (value) => `${Math.round(100 * value)} %`;
      told.push(`Leave one out: ${right} of ${rows.length} right when the head is trained without the photo that it judges. `
        + `By chance it would be ${percent(1 / full.length)}; with so few photos the 95 % confidence interval is ${percent(low)} to ${percent(high)}.`);
      const hits = (lists) => lists.filter((list, i) => labels[nearestOf(list, lists, i)] === labels[i]).length;
      told.push(`Nearest other photo from the same class: by fc7 for ${hits(rows)} of ${rows.length}, by pixels for ${hits(examples.map(({ pixels }) => pixels))}.`);
    }
    taught.facts = told;
    ask();
  }
  function save() {
    const link = node("a", { download: FILE, href: URL.createObjectURL(npz(taught.head, taught.full.map(({ name }) => name))) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // ---- drawing
  function thumbnail(found, size = 48) {
    const canvas = node("canvas", { width: size, height: size, role: "img", "aria-label": found.name, style: `width: ${size}px; height: ${size}px` });
    canvas.getContext("2d").drawImage(found.canvas, 0, 0, size, size);
    return canvas;
  }
  function paint(state) {
    if (taught.things && taught.things !== state.things) train();
    boxes.forEach(({ zone, photos }, c) => {
      zone.hidden = c >= state.things;
      photos.replaceChildren(...classes[c].photos.map((found) => {
        const made = button("", () => remove(classes[c].photos, found));
        made.setAttribute("aria-label", `Remove ${found.name} from ${classes[c].name}`);
        made.append(thumbnail(found));
        return made;
      }));
    });
    const { head, full } = taught;
    example.disabled = Boolean(taught.busy);
    facts.replaceChildren(...(head ? taught.facts : []).map((words) => node("li", {}, words)));
    takeAway.hidden = !head;
    clear.hidden = !classes.some(({ photos }) => photos.length) && !judged.length;
    answer.textContent = taught.busy || (head
      ? `Trained in ${Math.max(1, Math.round(taught.milliseconds))} ms on ${taught.examples.length} photos: ${full.map(({ name }) => `“${name}”`).join(", ")}. Now give it photos to judge.`
      : "It learns as soon as two classes have a photo.");
    judge.querySelector(".rows").replaceChildren(...judged.map((found) => {
      const remover = button("", () => remove(judged, found)), row = node("div", { class: "row-judged" }, remover);
      remover.setAttribute("aria-label", `Remove ${found.name}`);
      remover.append(thumbnail(found));
      if (!head) return row;
      const chance = chances(scoresOf(head, found.row)), first = best(chance), of = (key) => taught.examples[nearestOf(found[key], taught.examples.map((one) => one[key]))];
      const near = (words, key) => node("span", { class: "near" }, words, thumbnail(of(key), 36));
      row.append(node("span", { class: "verdict" }, node("b", {}, full[first].name), ` ${Math.round(100 * chance[first])} %`), near("nearest by fc7", "row"), near("by pixels", "pixels"));
      return row;
    }));
  }
  train();
  return { paint, end: () => net.engine?.end() };
}

const style = `
.pictures > :is(p, ul, .take, .buttons, .judge) { grid-column: 1 / -1; margin: 0; }
.box { grid-column: span 4; display: grid; gap: 0.4rem; align-content: start; padding: 0.5rem; border: 1px solid var(--line); border-radius: 6px; }
.box.over { border-color: var(--mark); border-style: dashed; }
.box input[type=text] { width: 100%; font: inherit; font-weight: 650; color: var(--ink); background: var(--ground); border: 1px solid var(--quiet); border-radius: 4px; padding: 0.15rem 0.4rem; }
.photos { display: flex; flex-wrap: wrap; gap: 4px; min-height: 54px; }
:is(.photos, .row-judged) button { padding: 0; min-height: 0; line-height: 0; border-radius: 4px; overflow: hidden; }
.row-judged { display: flex; flex-wrap: wrap; gap: 0.3rem 0.9rem; align-items: center; padding: 0.2rem 0; }
.verdict { min-width: 8rem; }
.near { display: flex; gap: 0.4rem; align-items: center; font-size: 0.85rem; color: var(--quiet); }
.facts { padding-left: 1.2rem; }
.answer { font-weight: 600; }
.quiet { font-size: 0.9rem; color: var(--quiet); }
.take { display: grid; gap: 0.4rem; justify-items: start; }
.take pre { margin: 0; max-width: 100%; overflow-x: auto; padding: 0.4rem 0.6rem; background: var(--panel); font-size: 0.85rem; }
.problem { padding: 0.4rem 0.6rem; border-left: 4px solid var(--minus); background: var(--panel); }
@container (max-width: 36rem) { .box { grid-column: 1 / -1; } }
`;
const draw = ({ state, pictures }) => pictures.paint(state);
export default explorer({ title: "Teach it your classes", reset: "Reset", build, compute: () => null, draw, summary, style });
