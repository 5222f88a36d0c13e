// Learning, in a worker behind engine.js: the library's FourLayerNet (§3.1), forward and backward, and the update
// rule of §5. Patches come as race.py packs them.

const PATCH = 32, WINDOW = 5, BORDER = 2; // pixels along a patch, a kernel, and around each map
const LAYERS = [[3, 32, 32], [32, 32, 16], [32, 64, 8]]; // channels read, kernels, side of the maps
const FEATURES = 64 * 4 * 4, CHUNK = 8; // CHUNK: panels of a matrix that are made at a time, so that a cache holds them

// Each activation function, and its slope where the output is `a`.
const ACTIVATIONS = {
  relu: { f: (x) => Math.max(0, x), slope: (a) => (a > 0 ? 1 : 0) },
  "leaky-relu": { f: (x) => (x > 0 ? x : 0.01 * x), slope: (a) => (a > 0 ? 1 : 0.01) },
  tanh: { f: Math.tanh, slope: (a) => 1 - a * a, steepest: 1 },
  sigmoid: { f: (x) => 1 / (1 + Math.exp(-x)), slope: (a) => a * (1 - a), steepest: 0.25 },
};

// T. Ettinger's generator mulberry32, as in canvas.js: each call the next number from 0 up to 1.
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Weights of every layer, flat as torch has them, and biases of 0; race.py draws the same.
function initialWeights({ activation, init, seed }) {
  const draw = generator(seed), rectified = !ACTIVATIONS[activation].steepest;
  let kept; // normal numbers come in pairs
  const normal = () => {
    if (kept !== undefined) { const second = kept; kept = undefined; return second; }
    const radius = Math.sqrt(-2 * Math.log(1 - draw())), angle = 2 * Math.PI * draw();
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const sizes = [...LAYERS.map(([read, made]) => [made, read * WINDOW ** 2, WINDOW ** 2]), [10, FEATURES, 1]];
  return sizes.map(([made, fanIn, area]) => {
    const fitted = rectified ? Math.sqrt(2 / fanIn) : Math.sqrt(2 / (fanIn + made * area)); // He's rule, Xavier's
    const deviation = init === "paper" ? 0.01 : fitted;
    return { w: Float32Array.from({ length: made * fanIn }, () => Math.fround(normal()) * Math.fround(deviation)), b: new Float32Array(made) };
  });
}

// A network with its weights: pass(image, label) runs forward and, with `gradients`, adds what backward finds to them.
async function makeLearner({ activation, wasm = true, ...start }) {
  const { f, slope, steepest } = ACTIVATIONS[activation];
  const layers = initialWeights({ activation, ...start });
  const fc = layers[3], convs = LAYERS.map(([read, made, side], i) => {
    const wide = side + 2 * BORDER, area = side * side;
    // Where each weight looks, from the corner of its window, and where the windows begin.
    const look = (maps) => Int32Array.from({ length: maps * WINDOW ** 2 }, (_, k) =>
      (Math.floor(k / WINDOW ** 2) * wide + Math.floor((k % WINDOW ** 2) / WINDOW)) * wide + (k % WINDOW));
    return {
      ...layers[i], read, made, side, wide, area, corner: Int32Array.from({ length: area }, (_, n) => Math.floor(n / side) * wide + (n % side)),
      forward: look(read), backward: look(made), input: new Float32Array(read * wide * wide), slopes: new Float32Array(made * wide * wide),
      pooled: new Float32Array((made * area) / 4), from: new Int32Array((made * area) / 4),
      quiet: new Float64Array(made), // of each channel: how many values are saturated, or how many are above 0
    };
  });

  const depthOf = (conv) => conv.read * WINDOW ** 2;
  const most = { packed: 64 * 32 * WINDOW ** 2, panel: CHUNK * COLUMNS * 64 * WINDOW ** 2, made: Math.max(32 * 1024, 64 * 808) };
  const heap = await makeHeap(4 * (6 * most.packed + most.panel + most.made + 32 * 1024) + 256, wasm), h = heap.floats;
  let used = 4;
  const room = (count) => { const here = used; used += padded(count, 4); return here; };
  for (const conv of convs) {
    conv.packed = room(conv.made * depthOf(conv));
    conv.flipped = room(conv.made * depthOf(conv) + 4 * conv.made * WINDOW ** 2);
  }
  const panelAt = room(most.panel), madeAt = room(most.made), errorsAt = room(32 * 1024);

  // After each update: the kernels in panels, and turned around with their two ends exchanged for the way back.
  function pack() {
    for (const { w, read, made, packed, flipped } of convs) {
      const size = WINDOW ** 2, turned = new Float32Array(w.length);
      packRows(w, read * size, 0, made, 0, read * size, h, packed);
      if (read === 3) continue; // nobody asks for the gradient of the image
      for (let o = 0; o < made; o++) {
        for (let i = 0; i < read; i++) {
          for (let k = 0; k < size; k++) turned[(i * made + o) * size + k] = w[(o * read + i) * size + size - 1 - k];
        }
      }
      packRows(turned, made * size, 0, read, 0, made * size, h, flipped);
    }
  }

  // Panels of eight columns: outer[first ...] by inner, each the value at their sum.
  function fillAcross(values, outer, first, panels, inner) { // eight neighbors along a row
    for (let panel = 0, to = panelAt; panel < panels; panel++) {
      const corner = outer[first + panel * COLUMNS];
      for (let k = 0; k < inner.length; k++, to += COLUMNS) {
        const from = corner + inner[k];
        h[to] = values[from]; h[to + 1] = values[from + 1]; h[to + 2] = values[from + 2]; h[to + 3] = values[from + 3];
        h[to + 4] = values[from + 4]; h[to + 5] = values[from + 5]; h[to + 6] = values[from + 6]; h[to + 7] = values[from + 7];
      }
    }
  }
  function fillDown(values, outer, first, panels, inner) { // eight weights; what is past the last of them does not count
    const spot = (k) => outer[Math.min(k, outer.length - 1)];
    for (let panel = 0, to = panelAt; panel < panels; panel++) {
      const k = first + panel * COLUMNS;
      const a = spot(k), b = spot(k + 1), c = spot(k + 2), d = spot(k + 3), e = spot(k + 4), g = spot(k + 5), i = spot(k + 6), j = spot(k + 7);
      for (let n = 0; n < inner.length; n++, to += COLUMNS) {
        const at = inner[n];
        h[to] = values[at + a]; h[to + 1] = values[at + b]; h[to + 2] = values[at + c]; h[to + 3] = values[at + d];
        h[to + 4] = values[at + e]; h[to + 5] = values[at + g]; h[to + 6] = values[at + i]; h[to + 7] = values[at + j];
      }
    }
  }
  function multiply(a, rows, fill, values, outer, inner) {
    const columns = padded(outer.length, COLUMNS);
    for (let first = 0; first < columns; first += CHUNK * COLUMNS) {
      const panels = Math.min(CHUNK, (columns - first) / COLUMNS);
      fill(values, outer, first, panels, inner);
      heap.gemm(4 * a, 4 * panelAt, 4 * (madeAt + first), rows / ROWS, panels, inner.length, 4 * columns);
    }
    return columns;
  }

  // Convolution, pooling over 3 x 3 windows 2 apart (a window at the border is cut), bias, activation function.
  function forwardLayer(conv) {
    multiply(conv.packed, conv.made, fillAcross, conv.input, conv.corner, conv.forward);
    for (let o = 0; o < conv.made; o++) poolPlane(conv, o);
    for (let i = 0; i < conv.pooled.length; i++) conv.pooled[i] = f(conv.pooled[i]);
  }
  function poolPlane({ side, area, pooled, from, b }, o) {
    const plane = madeAt + o * area, bias = b[o], last = side - 2;
    for (let y = 0, i = (o * area) / 4; y < side; y += 2) {
      for (let x = 0; x < side; x += 2, i++) {
        const corner = plane + y * side + x;
        let at = corner, best = h[at], value;
        if ((value = h[corner + 1]) > best) { best = value; at = corner + 1; }
        if (x < last && (value = h[corner + 2]) > best) { best = value; at = corner + 2; }
        for (let row = 1; row < (y < last ? 3 : 2); row++) {
          const n = corner + row * side;
          if ((value = h[n]) > best) { best = value; at = n; }
          if ((value = h[n + 1]) > best) { best = value; at = n + 1; }
          if (x < last && (value = h[n + 2]) > best) { best = value; at = n + 2; }
        }
        pooled[i] = best + bias;
        from[i] = at - plane;
      }
    }
  }
  function watch({ made, pooled, quiet }) {
    const each = pooled.length / made;
    for (let i = 0; i < pooled.length; i++) {
      quiet[(i / each) | 0] += steepest ? slope(pooled[i]) < 0.1 * steepest : pooled[i] > 0;
    }
  }
  // Maps into the middle of a layer's input, whose border stays 0.
  function place(values, { read, side, wide, input }) {
    for (let map = 0; map < read; map++) {
      for (let y = 0; y < side; y++) {
        const row = (map * side + y) * side;
        input.set(values.subarray(row, row + side), (map * wide + y + BORDER) * wide + BORDER);
      }
    }
  }

  const zeros = () => layers.map(({ w, b }) => ({ w: new Float64Array(w.length), b: new Float64Array(b.length) }));
  let gradients = zeros();
  const features = convs[2].pooled;

  // pixels: (3, 32, 32) -> {logits, loss}. keep: a factor for each feature, where dropout is on.
  function pass(pixels, label, { learn = true, keep = null } = {}) {
    place(pixels, convs[0]);
    convs.forEach((conv, i) => {
      forwardLayer(conv);
      if (learn) watch(conv);
      if (convs[i + 1]) place(conv.pooled, convs[i + 1]);
    });
    const logits = new Float64Array(10), seen = keep ? features.map((a, i) => a * keep[i]) : features;
    for (let o = 0; o < 10; o++) {
      let sum = 0;
      for (let i = 0, at = o * FEATURES; i < FEATURES; i++, at++) sum += fc.w[at] * seen[i];
      logits[o] = sum + fc.b[o];
    }
    const chances = softmax([...logits]), loss = -Math.log(Math.max(chances[label], 1e-300));
    if (learn) backward(chances.map((chance, o) => chance - (o === label)), seen, keep);
    return { logits, loss };
  }

  function backward(wrong, seen, keep) {
    let errors = new Float32Array(FEATURES); // dL / d output of the layer
    const last = gradients[3];
    wrong.forEach((error, o) => {
      last.b[o] += error;
      for (let i = 0, at = o * FEATURES; i < FEATURES; i++, at++) {
        last.w[at] += error * seen[i];
        errors[i] += error * fc.w[at];
      }
    });
    if (keep) errors = errors.map((error, i) => error * keep[i]);
    for (let l = 2; l >= 0; l--) {
      const conv = convs[l], { made, read, side, wide, area, input, slopes, pooled, from, corner } = conv, found = gradients[l];
      // Through the slope, and to the one position of its window that was the largest.
      slopes.fill(0);
      for (let i = 0; i < pooled.length; i++) {
        const error = errors[i] * slope(pooled[i]), o = ((4 * i) / area) | 0;
        found.b[o] += error;
        slopes[o * wide * wide + corner[from[i]] + BORDER * wide + BORDER] += error;
      }
      // To the weights: the products of what was read and what came back, summed over positions.
      for (let o = 0; o < made; o++) {
        const to = errorsAt + (o - (o % ROWS)) * area + (o % ROWS), plane = o * wide * wide + BORDER * wide + BORDER;
        for (let n = 0; n < area; n++) h[to + n * ROWS] = slopes[plane + corner[n]];
      }
      const depth = depthOf(conv), columns = multiply(errorsAt, made, fillDown, input, conv.forward, corner);
      for (let o = 0, at = 0; o < made; o++) {
        for (let k = 0, n = madeAt + o * columns; k < depth; k++, n++, at++) found.w[at] += h[n];
      }
      if (l === 0) return;
      // To the layer before: a convolution with the kernels turned around.
      multiply(conv.flipped, read, fillAcross, slopes, corner, conv.backward);
      errors = h.slice(madeAt, madeAt + read * area);
    }
  }

  // v <- momentum v - decay lr w - lr dL/dw, w <- w + v (§5); the loss is the mean over `count` images.
  const velocity = layers.map(({ w, b }) => ({ w: new Float32Array(w.length), b: new Float32Array(b.length) }));
  function update(count, { lr, momentum = 0.9, decay = 0 }) {
    layers.forEach((layer, l) => {
      for (const part of ["w", "b"]) {
        const w = layer[part], v = velocity[l][part], g = gradients[l][part];
        for (let i = 0; i < w.length; i++) {
          v[i] = momentum * v[i] - decay * lr * w[i] - (lr * g[i]) / count;
          w[i] += v[i];
        }
      }
    });
    gradients = zeros();
    pack();
  }
  // How gray each channel is, from 0 to 1, over the images since the last time: the part of its values that are
  // saturated, or, for a rectifier, whether all of them are below 0.
  function grayness(images) {
    return Float32Array.from(convs.flatMap(({ quiet, pooled, made }) => {
      const each = (images * pooled.length) / made, found = [...quiet].map((count) => (steepest ? count / each : Number(count === 0)));
      quiet.fill(0);
      return found;
    }));
  }
  pack();
  return { pass, update, grayness, layers, kind: heap.kind, gradients: () => gradients, places: () => convs.map(({ from }) => from) };
}

// {shape: [images, 3, 32, 32], data: base64 of deflated differences along each row} -> images as bytes.
async function openPatches({ shape, data }) {
  const { body } = await openFile({ data }), pixels = new Uint8Array(body);
  for (let i = 0; i < pixels.length; i++) if (i % shape[3]) pixels[i] += pixels[i - 1];
  return pixels;
}

// The patches [first, first + count) as a network reads them: less the mean of the first `training`, and scaled.
function readPatches(pixels, first, count, training, scale) {
  const size = 3 * PATCH * PATCH, mean = new Float64Array(size);
  for (let i = 0; i < training * size; i++) mean[i % size] += pixels[i];
  return Array.from({ length: count }, (_, n) => Float32Array.from({ length: size }, (_, i) =>
    (pixels[(first + n) * size + i] - Math.fround(mean[i] / training)) / scale));
}

// The worker's side: "open" makes a network and its images, "step" trains it on a batch, "measure" tests it.
// The classes of the patches go round: patch i is of class i % 10.
function serveLearning(post) {
  let network, set;
  const keepOf = (p) => Float32Array.from({ length: FEATURES }, () => Number(set.draw() >= p));
  const DO = {
    async open({ patches, training, testing = 0, pixels, batch = training, dropout = 0, seed, rates, ...start }) {
      const bytes = await openPatches(patches), scale = pixels === "scaled" ? 64 : 1;
      network = await makeLearner({ seed, ...start });
      set = { batch, dropout, rates, training, draw: generator(seed + 1000), order: [],
        train: readPatches(bytes, 0, training, training, scale),
        test: readPatches(bytes, patches.training, testing, training, scale) };
      return { kind: network.kind, kernels: network.layers[0].w.slice() };
    },
    step() {
      const started = performance.now();
      let wrong = 0, loss = 0;
      for (let n = 0; n < set.batch; n++) {
        if (set.order.length === 0) set.order = shuffled();
        const i = set.order.pop();
        const found = network.pass(set.train[i], i % 10, { keep: set.dropout ? keepOf(set.dropout) : null });
        wrong += best(found.logits) !== i % 10;
        loss += found.loss / set.batch;
      }
      const gray = network.grayness(set.batch);
      network.update(set.batch, set.rates);
      return { wrong, loss, gray, kernels: network.layers[0].w.slice(), milliseconds: performance.now() - started };
    },
    // In evaluation mode all features are on, times 1 - p (§4.2).
    measure({ of, count = set[of].length }) {
      const keep = set.dropout ? new Float32Array(FEATURES).fill(1 - set.dropout) : null;
      let wrong = 0;
      for (let i = 0; i < count; i++) wrong += best(network.pass(set[of][i], i % 10, { learn: false, keep }).logits) !== i % 10;
      return { wrong, count };
    },
  };
  const best = (list) => list.indexOf(Math.max(...list));
  function shuffled() {
    const order = set.train.map((_, i) => i);
    if (set.batch === set.training) return order;
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(set.draw() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
  return async ({ ask, id, ...given }) => {
    if (!DO[ask]) return;
    try {
      post({ id, ...(await DO[ask](given)) });
    } catch (error) {
      post({ id, error: error.message });
    }
  };
}
