// The forward pass of the two-tower network, in a worker: a photograph and switches in, every feature map out.
// The weights arrive as net_weights.py packs them; what the layers are stands in their header.

// tools/gemm_wasm.py assembles this kernel, and says there what it does.
const GEMM_WASM = "AGFzbQEAAAABCwFgB39/f39/f38AAg8BA2VudgZtZW1vcnkCAAEDAgEABwgBBGdlbW0AAAqhAwGeAwIGfwt7QQAhBwNAQQAhCCABIQoDQEEA/REhDUEA/REhDkEA/REhD0EA/REhEEEA/REhEUEA/REhEkEA/REhE0EA/REhFCAAIQkgCSAFQQR0aiEMA0AgCv0AAgAhFSAK/QACECEWIAn9CQIAIRcgDSAXIBX95gH95AEhDSAOIBcgFv3mAf3kASEOIAn9CQIEIRcgDyAXIBX95gH95AEhDyAQIBcgFv3mAf3kASEQIAn9CQIIIRcgESAXIBX95gH95AEhESASIBcgFv3mAf3kASESIAn9CQIMIRcgEyAXIBX95gH95AEhEyAUIBcgFv3mAf3kASEUIAlBEGohCSAKQSBqIQogCSAMSQ0ACyACIAhBBXRqIQsgCyAN/QsCACALIA79CwIQIAsgBmohCyALIA/9CwIAIAsgEP0LAhAgCyAGaiELIAsgEf0LAgAgCyAS/QsCECALIAZqIQsgCyAT/QsCACALIBT9CwIQIAsgBmohCyAIQQFqIQggCCAESQ0ACyAMIQAgAiAGQQJ0aiECIAdBAWohByAHIANJDQALCw==";

const ROWS = 4, COLUMNS = 8; // of the tile that one pass of the matrix product makes

// What the kernel does, where WebAssembly is refused: the same panels, half a tile at a time.
function gemmInJavaScript(heap, a, b, c, rows, columns, depth, stride) {
  a >>= 2; b >>= 2; c >>= 2; stride >>= 2;
  for (let i = 0; i < rows; i++, a += ROWS * depth) {
    for (let half = 0; half < 2 * columns; half++) {
      let p = a, q = b + (half >> 1) * COLUMNS * depth + (half & 1) * 4;
      let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
      let s20 = 0, s21 = 0, s22 = 0, s23 = 0, s30 = 0, s31 = 0, s32 = 0, s33 = 0;
      for (let k = 0; k < depth; k++, p += ROWS, q += COLUMNS) {
        const w0 = heap[p], w1 = heap[p + 1], w2 = heap[p + 2], w3 = heap[p + 3];
        const x0 = heap[q], x1 = heap[q + 1], x2 = heap[q + 2], x3 = heap[q + 3];
        s00 += w0 * x0; s01 += w0 * x1; s02 += w0 * x2; s03 += w0 * x3;
        s10 += w1 * x0; s11 += w1 * x1; s12 += w1 * x2; s13 += w1 * x3;
        s20 += w2 * x0; s21 += w2 * x1; s22 += w2 * x2; s23 += w2 * x3;
        s30 += w3 * x0; s31 += w3 * x1; s32 += w3 * x2; s33 += w3 * x3;
      }
      const out = c + i * ROWS * stride + half * 4;
      heap[out] = s00; heap[out + 1] = s01; heap[out + 2] = s02; heap[out + 3] = s03;
      heap[out + stride] = s10; heap[out + stride + 1] = s11; heap[out + stride + 2] = s12; heap[out + stride + 3] = s13;
      heap[out + 2 * stride] = s20; heap[out + 2 * stride + 1] = s21; heap[out + 2 * stride + 2] = s22; heap[out + 2 * stride + 3] = s23;
      heap[out + 3 * stride] = s30; heap[out + 3 * stride + 1] = s31; heap[out + 3 * stride + 2] = s32; heap[out + 3 * stride + 3] = s33;
    }
  }
}

// Memory for weights and matrices, handed out once and never given back; `gemm` works inside of it.
async function makeHeap(bytes, wasm) {
  const pages = Math.ceil(bytes / 65536);
  if (wasm) {
    try {
      const memory = new WebAssembly.Memory({ initial: pages });
      const code = Uint8Array.from(atob(GEMM_WASM), (letter) => letter.charCodeAt(0));
      const { instance } = await WebAssembly.instantiate(code, { env: { memory } });
      return { floats: new Float32Array(memory.buffer), gemm: instance.exports.gemm, kind: "WebAssembly" };
    } catch { /* a content security policy may forbid it, an old browser may not know SIMD */ }
  }
  const floats = new Float32Array(pages * 16384);
  return { floats, gemm: (...numbers) => gemmInJavaScript(floats, ...numbers), kind: "JavaScript" };
}

function outputSize(size, z, s, padding = 0, ceil = false) {
  const room = (size + 2 * padding - z) / s;
  return 1 + (ceil ? Math.ceil(room) : Math.floor(room));
}

// One tensor of the file as floats: levels times the scale of their row.
function tensorOf(file, name) {
  const { shape, at, scales } = file.header.tensors[name];
  const size = shape.reduce((product, side) => product * side, 1);
  if (scales === undefined) return new Float32Array(file.body, at, size);
  const levels = new Int8Array(file.body, at, size), row = size / shape[0];
  const values = new Float32Array(size), scale = new Float32Array(file.body, scales, shape[0]);
  for (let i = 0; i < size; i++) values[i] = levels[i] * scale[(i / row) | 0];
  return values;
}

// {header, data: base64 of a deflated body} -> {header, body}.
async function openFile({ header, data }) {
  const text = atob(data), bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return { header, body: await new Response(stream).arrayBuffer() };
}

const padded = (count, to) => Math.ceil(count / to) * to;

// Rows [first, first + rows) of a weight matrix and its columns [from, from + depth), in panels of four rows.
function packRows(weights, width, first, rows, from, depth, into, at) {
  for (let i = 0; i < padded(rows, ROWS); i++) {
    const to = at + (i - (i % ROWS)) * depth + (i % ROWS), source = (first + i) * width + from;
    for (let k = 0; k < depth; k++) into[to + k * ROWS] = i < rows ? weights[source + k] : 0;
  }
}

// The mean image (§2) as floats, (3, side, side).
function meanOf({ header, body }) {
  const { at, side, lowest, step } = header.mean;
  return Float32Array.from(new Uint8Array(body, at, 3 * side * side), (level) => lowest + step * level);
}

async function makeEngine(file, { wasm = true } = {}) {
  const { header } = file, { crop } = header;
  const convs = header.layers.filter((layer) => layer.kernel), fcs = header.layers.filter((layer) => !layer.kernel);
  // Sizes do not depend on the photograph, so memory is laid out once. Switches only make maps smaller.
  let size = crop, floats = 0, patches = 0, products = 0;
  for (const conv of convs) {
    const { kernel, stride, padding, ceil, groups } = conv;
    size = outputSize(size, kernel, stride, padding, ceil);
    conv.depth = (conv.in / groups) * kernel * kernel;
    const columns = padded(size * size, COLUMNS);
    floats += 2 * padded(conv.out / groups, ROWS) * groups * conv.depth; // and what a cut layer reads
    patches = Math.max(patches, columns * conv.depth);
    products = Math.max(products, columns * padded(conv.out, ROWS));
    const pool = conv.then.find(([step]) => step === "pool");
    if (pool) size = outputSize(size, pool[1].z, pool[1].s);
  }
  const heap = await makeHeap(4 * (floats + patches * 2 + products * 2) + 64, wasm);
  let used = 4; // a multiple of 16 bytes
  const room = (count) => { const here = used; used += padded(count, 4); return here; };
  const patchesAt = room(patches * 2), productsAt = room(products * 2);

  // conv.packed: the weights of each group; conv.cut: those that are left when towers do not communicate.
  for (const conv of convs) {
    const weights = tensorOf(file, `features.${conv.name}.weight`);
    conv.bias = tensorOf(file, `features.${conv.name}.bias`);
    const pack = (groups, own) => {
      const rows = conv.out / groups, depth = own ? conv.depth / groups : conv.depth;
      return Array.from({ length: groups }, (_, group) => {
        const at = room(padded(rows, ROWS) * depth);
        packRows(weights, conv.depth, group * rows, rows, own ? group * depth : 0, depth, heap.floats, at);
        return at;
      });
    };
    conv.packed = pack(conv.groups, false);
    conv.exchanges = header.towers > 1 && conv.groups === 1 && conv.in > 3;
    if (conv.exchanges) conv.cut = pack(header.towers, true);
  }
  for (const fc of fcs) {
    const name = `classifier.${fc.name}`;
    fc.factors = (fc.rank ? ["right", "left"] : ["weight"]).map((part) => tensorOf(file, `${name}.${part}`));
    fc.bias = tensorOf(file, `${name}.bias`);
  }

  // maps (in, size, size) -> (out, out size, out size), before any step that follows.
  function convolve(conv, { values, size: side }, switches) {
    const { kernel: z, stride: s, padding: p, ceil } = conv;
    const cut = switches.cut && conv.exchanges, groups = cut ? header.towers : conv.groups;
    const packed = cut ? conv.cut : conv.packed;
    const out = outputSize(side, z, s, p, ceil), area = out * out, wide = Math.max(side + 2 * p, (out - 1) * s + z);
    // A border of zeros, so that no window has to ask whether it is inside.
    const bordered = new Float32Array(conv.in * wide * wide);
    for (let map = 0; map < conv.in; map++) {
      for (let y = 0; y < side; y++) {
        const row = (map * side + y) * side;
        bordered.set(values.subarray(row, row + side), (map * wide + y + p) * wide + p);
      }
    }
    const corner = new Int32Array(area);
    for (let n = 0; n < area; n++) corner[n] = Math.floor(n / out) * s * wide + (n % out) * s;
    const read = conv.in / groups, rows = conv.out / groups, depth = read * z * z;
    const columns = padded(area, COLUMNS), result = new Float32Array(conv.out * area);
    for (let group = 0; group < groups; group++) {
      let k = 0;
      for (let map = group * read; map < (group + 1) * read; map++) {
        for (let y = 0; y < z; y++) {
          for (let x = 0; x < z; x++, k++) {
            const from = (map * wide + y) * wide + x;
            let to = patchesAt + k * COLUMNS;
            for (let n = 0; n < area; to += COLUMNS * depth) {
              for (let lane = 0; lane < COLUMNS && n < area; lane++, n++) heap.floats[to + lane] = bordered[corner[n] + from];
            }
          }
        }
      }
      const tiles = padded(rows, ROWS) / ROWS;
      heap.gemm(4 * packed[group], 4 * patchesAt, 4 * productsAt, tiles, columns / COLUMNS, depth, 4 * columns);
      for (let row = 0; row < rows; row++) {
        const map = group * rows + row, bias = conv.bias[map], from = productsAt + row * columns, to = map * area;
        for (let n = 0; n < area; n++) result[to + n] = heap.floats[from + n] + bias;
      }
    }
    return { values: result, maps: conv.out, size: out };
  }

  function fullyConnected(fc, input) {
    let values = input;
    for (const factor of fc.factors) {
      const width = values.length, made = new Float32Array(factor.length / width);
      for (let row = 0, at = 0; row < made.length; row++) {
        let sum = 0;
        for (let k = 0; k < width; k++, at++) sum += factor[at] * values[k];
        made[row] = sum;
      }
      values = made;
    }
    return values.map((value, i) => value + fc.bias[i]);
  }

  const mean = meanOf(file);

  // pixels: (side, side, 4) as a canvas gives them. One crop less the mean of its own place: (3, crop, crop).
  function cropped(pixels, { top, left, mirror }) {
    const { side } = header, values = new Float32Array(3 * crop * crop);
    for (let c = 0, i = 0; c < 3; c++) {
      for (let y = 0; y < crop; y++) {
        for (let x = 0; x < crop; x++, i++) {
          const column = mirror ? left + crop - 1 - x : left + x, place = (top + y) * side + column;
          values[i] = (pixels[4 * place + c] - mean[c * side * side + place]) * header.input_scale;
        }
      }
    }
    return { values, maps: 3, size: crop };
  }

  // Every stage of the network for one crop: [{name, values, maps, size}], fully-connected ones of size 1.
  // switches.until: the convolution or fully-connected layer that is the last to run.
  function forward(image, switches) {
    const stages = [];
    const keep = (name, maps) => { stages.push({ name, ...maps }); return maps; };
    const mute = (maps) => {
      if (!switches.silent || header.towers < 2) return maps;
      const half = maps.values.length / header.towers;
      maps.values.fill(0, (switches.silent - 1) * half, switches.silent * half);
      return maps;
    };
    let maps = image;
    for (const conv of convs) {
      const number = conv.name.slice(4);
      maps = keep(conv.name, mute(convolve(conv, maps, switches)));
      if (switches.until === conv.name) return stages;
      for (const [step, settings] of stepsOf(conv, switches)) maps = keep(step + number, STEPS[step](maps, settings));
    }
    let values = maps.values;
    for (const fc of fcs) {
      if (values.length !== fc.in) throw new Error(`${fc.name} reads ${fc.in} values, and these settings leave ${values.length}`);
      values = fullyConnected(fc, values);
      keep(fc.name, { values, maps: values.length, size: 1 });
      if (!fc.relu || switches.until === fc.name) return stages;
      values = mute({ values: values.map((value) => Math.max(0, value) * fc.gain) }).values;
      keep(`relu${fc.name.slice(2)}`, { values, maps: values.length, size: 1 });
    }
    return stages;
  }

  // Ten crops as §4.1 orders them: four corners and the center, then the same of the mirrored image.
  function crops(kind) {
    const far = header.side - crop, middle = Math.round(far / 2);
    if (kind === "center") return [{ top: middle, left: middle, mirror: false }];
    const places = [[0, 0], [0, far], [far, 0], [far, far], [middle, middle]];
    // In the mirrored image "left" is on the right.
    return [false, true].flatMap((mirror) => places.map(([top, left]) =>
      ({ top, left: mirror ? far - left : left, mirror })));
  }

  // {pixels, crops: "center" or "ten", norm, pool, silent, cut} -> the center crop and every stage of it, logits
  // and probabilities of each crop, and their average.
  function run({ pixels, crops: kind = "center", ...switches }) {
    let stages, input;
    const logits = [], probabilities = [], places = crops(kind), shown = places.length === 1 ? 0 : 4;
    places.forEach((place, i) => {
      const image = cropped(pixels, place), found = forward(image, switches);
      if (i === shown) { stages = found; input = image; }
      logits.push(found.at(-1).values);
      probabilities.push(softmax(found.at(-1).values));
    });
    const average = probabilities[0].map((_, i) =>
      probabilities.reduce((sum, one) => sum + one[i], 0) / probabilities.length);
    return { input, stages, logits, probabilities, average };
  }
  return { run, forward, cropped, file, convs, fcs, kind: heap.kind, header };
}

const STEPS = {
  relu: (maps) => ({ ...maps, values: maps.values.map((value) => Math.max(0, value)) }),
  norm: responseNorm,
  pool: maxPool,
};

// What follows a convolution, with the reader's switches in it.
function stepsOf(conv, { norm = "paper", pool }) {
  let steps = conv.then.map(([step, settings]) => {
    if (step === "norm" && norm === "over-n") return [step, { ...settings, alpha_over_n: !settings.alpha_over_n }];
    if (step === "pool" && pool) return [step, { ...settings, ...pool }];
    return [step, settings];
  });
  const found = steps.find(([step]) => step === "norm");
  if (found && norm === "off") steps = steps.filter((step) => step !== found);
  if (found && norm === "before") steps = [found, ...steps.filter((step) => step !== found)];
  return steps;
}

// b = a / (k + alpha * sum of squares over n maps around) ** beta, windows inside a tower (§3.3).
function responseNorm({ values: x, maps, size }, { n, k, alpha, beta, towers, alpha_over_n: overN }) {
  const area = size * size, width = maps / towers, below = n >> 1, above = (n - 1) >> 1;
  const out = new Float32Array(x.length), energy = new Float64Array(area), scale = overN ? alpha / n : alpha;
  const add = (map, sign) => {
    for (let i = 0, at = map * area; i < area; i++, at++) energy[i] += sign * x[at] * x[at];
  };
  for (let first = 0; first < maps; first += width) {
    const end = first + width;
    energy.fill(0);
    for (let map = first; map < Math.min(first + above, end); map++) add(map, 1);
    for (let map = first; map < end; map++) {
      if (map + above < end) add(map + above, 1);
      if (map - below - 1 >= first) add(map - below - 1, -1);
      for (let i = 0, at = map * area; i < area; i++, at++) {
        const base = k + scale * Math.max(0, energy[i]);
        // Two square roots cost a third of a power.
        out[at] = x[at] && x[at] / (beta === 0.75 ? Math.sqrt(base) * Math.sqrt(Math.sqrt(base)) : base ** beta);
      }
    }
  }
  return { values: out, maps, size };
}

// The largest value of each z x z window, s apart (§3.4); with `ceil` the last windows may extend past the border.
function maxPool({ values, maps, size }, { z, s, ceil = false }) {
  const side = outputSize(size, z, s, 0, ceil), out = new Float32Array(maps * side * side);
  for (let map = 0, i = 0; map < maps; map++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++, i++) {
        let most = -Infinity;
        for (let row = y * s; row < Math.min(y * s + z, size); row++) {
          for (let column = x * s; column < Math.min(x * s + z, size); column++) {
            most = Math.max(most, values[(map * size + row) * size + column]);
          }
        }
        out[i] = most;
      }
    }
  }
  return { values: out, maps, size: side };
}

function softmax(logits) {
  const most = Math.max(...logits), powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

// A gray square hides one part of the photograph after the other: the class's probability at each of them.
// Yields {row, column, probability} as it goes, so that the map can be drawn while it fills.
function* occlusion(engine, { pixels, of, steps, square, ...switches }) {
  const { side } = engine.header, far = side - square;
  for (let row = 0; row < steps; row++) {
    for (let column = 0; column < steps; column++) {
      const hidden = pixels.slice(), top = Math.round((row * far) / (steps - 1)), left = Math.round((column * far) / (steps - 1));
      for (let y = top; y < top + square; y++) hidden.fill(128, 4 * (y * side + left), 4 * (y * side + left + square));
      yield { row, column, probability: engine.run({ pixels: hidden, ...switches }).average[of] };
    }
  }
}

// Work that takes a while, by the name under which it is asked for; scripts put behind this one add to it.
const LONG = { occlude: occlusion };

// The worker's side: messages {ask: "open" | "run" | "stop" | a name in LONG}; each answer carries the `id` of its
// question. What is long answers in parts, and ends when something else that is long, or "stop", is asked for.
function serve(post) {
  let engine = null, turn = 0;
  return async ({ ask, id, ...given }) => {
    try {
      if (ask === "open") {
        const file = await openFile(given.file);
        engine = await makeEngine(file, given);
        post({ id, header: file.header, body: file.body, kind: engine.kind });
      } else if (ask === "run") {
        const started = performance.now(), found = engine.run(given);
        post({ id, ...found, milliseconds: performance.now() - started });
      } else if (ask === "stop") {
        turn += 1;
      } else {
        const mine = (turn += 1);
        for await (const found of LONG[ask](engine, given)) {
          post({ id, ...found, part: true });
          await new Promise((resolve) => setTimeout(resolve)); // lets a "stop" in
          if (mine !== turn) break;
        }
        post({ id, stopped: mine !== turn });
      }
    } catch (error) {
      post({ id, error: error.message });
    }
  };
}
