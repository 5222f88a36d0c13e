// The backward pass, to the picture alone: how would a score move if a pixel did? Runs behind engine.js.

const channelsOf = (stage) => stage.maps * stage.size * stage.size;

// gradient(stages, input, {layer, seed}) -> d(sum of seed * layer) / d(input), (3, size, size), where `stages` are
// what engine.forward(input, {}) gave and `seed` has a value for each output of the layer.
async function makeGradient(engine) {
  const { file, convs, fcs } = engine, { crop } = engine.header;
  let floats = 0, patches = 0, gradients = 0, size = crop;
  for (const conv of convs) {
    size = outputSize(size, conv.kernel, conv.stride, conv.padding, conv.ceil);
    const columns = padded(size * size, COLUMNS), rows = conv.out / conv.groups;
    floats += padded(conv.depth, ROWS) * conv.out;
    patches = Math.max(patches, padded(conv.depth, ROWS) * columns);
    gradients = Math.max(gradients, rows * columns);
    const pool = conv.then.find(([step]) => step === "pool");
    if (pool) size = outputSize(size, pool[1].z, pool[1].s, 0, pool[1].ceil);
  }
  const heap = await makeHeap(4 * (floats + patches + gradients) + 128, engine.kind === "WebAssembly");
  let used = 4;
  const room = (count) => { const here = used; used += padded(count, 4); return here; };
  const patchesAt = room(patches), gradientsAt = room(gradients);
  for (const conv of convs) { // each group's weights, turned over: (depth, out / groups)
    const weights = tensorOf(file, `features.${conv.name}.weight`), rows = conv.out / conv.groups;
    conv.turned = Array.from({ length: conv.groups }, (_, group) => {
      const own = weights.subarray(group * rows * conv.depth, (group + 1) * rows * conv.depth);
      const turned = new Float32Array(own.length), at = room(padded(conv.depth, ROWS) * rows);
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < conv.depth; k++) turned[k * rows + row] = own[row * conv.depth + k];
      }
      packRows(turned, rows, 0, conv.depth, 0, rows, heap.floats, at);
      return at;
    });
  }

  // The transposed convolution: what each output asks of the patch that it read, added up where patches overlap.
  function convolution(conv, gradient, before, stage) {
    const { kernel: z, stride: s, padding: p, groups, depth } = conv, side = before.size, out = stage.size;
    const area = out * out, columns = padded(area, COLUMNS), rows = conv.out / groups, read = conv.in / groups;
    const wide = Math.max(side + 2 * p, (out - 1) * s + z), bordered = new Float32Array(conv.in * wide * wide);
    for (let group = 0; group < groups; group++) {
      heap.floats.fill(0, gradientsAt, gradientsAt + rows * columns);
      for (let row = 0; row < rows; row++) {
        const from = (group * rows + row) * area;
        for (let n = 0; n < area; n++) {
          heap.floats[gradientsAt + ((n >> 3) * rows + row) * COLUMNS + (n & 7)] = gradient[from + n];
        }
      }
      heap.gemm(4 * conv.turned[group], 4 * gradientsAt, 4 * patchesAt, padded(depth, ROWS) / ROWS,
        columns / COLUMNS, rows, 4 * columns);
      let at = patchesAt;
      for (let map = group * read; map < (group + 1) * read; map++) {
        for (let y = 0; y < z; y++) {
          for (let x = 0; x < z; x++, at += columns) {
            for (let row = 0, n = at; row < out; row++) {
              let to = (map * wide + y + row * s) * wide + x;
              for (let column = 0; column < out; column++, to += s) bordered[to] += heap.floats[n++];
            }
          }
        }
      }
    }
    const result = new Float32Array(channelsOf(before));
    for (let map = 0; map < conv.in; map++) {
      for (let y = 0; y < side; y++) {
        const from = (map * wide + y + p) * wide + p;
        result.set(bordered.subarray(from, from + side), (map * side + y) * side);
      }
    }
    return result;
  }

  function fullyConnected(fc, gradient) {
    for (const factor of [...fc.factors].reverse()) {
      const width = factor.length / gradient.length, made = new Float32Array(width);
      for (let row = 0, at = 0; row < gradient.length; row++) {
        const share = gradient[row];
        if (share === 0) at += width;
        else for (let k = 0; k < width; k++, at++) made[k] += share * factor[at];
      }
      gradient = made;
    }
    return gradient;
  }

  return function gradient(stages, input, { layer, seed }) {
    let found = seed;
    for (let at = stages.findIndex(({ name }) => name === layer); at >= 0; at--) {
      const stage = stages[at], before = at ? stages[at - 1] : input, number = stage.name.replace(/\D/g, "");
      const conv = convs.find(({ name }) => name === `conv${number}`), fc = fcs.find(({ name }) => name === `fc${number}`);
      const settings = (step) => conv.then.find(([name]) => name === step)[1];
      if (stage.name.startsWith("conv")) found = convolution(conv, found, before, stage);
      else if (stage.name.startsWith("fc")) found = fullyConnected(fc, found);
      else if (stage.name.startsWith("relu")) found = found.map((value, i) => (before.values[i] > 0 ? value * (fc?.gain ?? 1) : 0));
      else if (stage.name.startsWith("norm")) found = normBackward(found, before, settings("norm"));
      else found = poolBackward(found, before, stage, settings("pool"));
    }
    return found;
  };
}

// Sums over a window that slides along the maps of a tower: add(map, 1 or -1) as one enters or leaves, then use(map).
function slide(width, below, above, add, use) {
  for (let map = 0; map < Math.min(above, width); map++) add(map, 1);
  for (let map = 0; map < width; map++) {
    if (map + above < width) add(map + above, 1);
    if (map - below - 1 >= 0) add(map - below - 1, -1);
    use(map);
  }
}

// Of b = a / d ** beta, d = k + alpha * sum of squares: every map that has `a` in its window passes some back.
function normBackward(gradient, { values: x, maps, size }, { n, k, alpha, beta, towers, alpha_over_n: overN }) {
  const area = size * size, width = maps / towers, below = n >> 1, above = (n - 1) >> 1, scale = overN ? alpha / n : alpha;
  const out = new Float32Array(x.length), pull = new Float64Array(x.length), sum = new Float64Array(area);
  for (let first = 0; first < maps; first += width) {
    sum.fill(0);
    slide(width, below, above, (map, sign) => {
      for (let i = 0, at = (first + map) * area; i < area; i++, at++) sum[i] += sign * x[at] * x[at];
    }, (map) => {
      for (let i = 0, at = (first + map) * area; i < area; i++, at++) {
        const d = k + scale * Math.max(0, sum[i]), share = gradient[at] / (beta === 0.75 ? Math.sqrt(d) * Math.sqrt(Math.sqrt(d)) : d ** beta);
        out[at] = share;
        pull[at] = (share * x[at]) / d;
      }
    });
    sum.fill(0);
    slide(width, above, below, (map, sign) => {
      for (let i = 0, at = (first + map) * area; i < area; i++, at++) sum[i] += sign * pull[at];
    }, (map) => {
      for (let i = 0, at = (first + map) * area; i < area; i++, at++) out[at] -= 2 * scale * beta * x[at] * sum[i];
    });
  }
  return out;
}

// All of a window's gradient goes to its largest value; of equal ones to the first, as in torch.
function poolBackward(gradient, { values, maps, size }, { size: side }, { z, s }) {
  const out = new Float32Array(values.length);
  for (let map = 0, i = 0; map < maps; map++) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++, i++) {
        if (gradient[i] === 0) continue;
        let most = -Infinity, place = 0;
        for (let row = y * s; row < Math.min(y * s + z, size); row++) {
          for (let column = x * s; column < Math.min(x * s + z, size); column++) {
            const at = (map * size + row) * size + column;
            if (values[at] > most) { most = values[at]; place = at; }
          }
        }
        out[place] += gradient[i];
      }
    }
  }
  return out;
}

// The index of a unit among its layer's values: of a convolution's channel the one in the middle.
function unitIndex({ size }, unit) {
  const middle = size >> 1;
  return (unit * size + middle) * size + middle;
}
function oneHot(stage, unit) {
  const seed = new Float32Array(channelsOf(stage));
  seed[unitIndex(stage, unit)] = 1;
  return seed;
}

const gradientOf = async (engine) => (engine.gradient ||= await makeGradient(engine));

// |d score / d pixel|, the largest of the three colors: (crop, crop).
async function* saliency(engine, { pixels, of }) {
  const gradient = await gradientOf(engine), { crop, side } = engine.header, edge = Math.round((side - crop) / 2), area = crop * crop;
  const input = engine.cropped(pixels, { top: edge, left: edge }), stages = engine.forward(input, {}), scores = stages.at(-1);
  const found = gradient(stages, input, { layer: scores.name, seed: oneHot(scores, of) });
  yield { values: Float32Array.from({ length: area }, (_, i) => Math.max(...[0, 1, 2].map((c) => Math.abs(found[c * area + i])))) };
}

// A picture that excites one unit more and more, from gray noise, by gradient ascent. A bare ascent ends in noise
// of high frequency, so each step is jittered, smoothed and pulled back toward gray: the picture is our making too.
// Yields {step, steps, value, pixels: RGBA of the crop}.
async function* caricature(engine, { layer, unit, steps = 40 }) {
  const gradient = await gradientOf(engine), { crop, side, input_scale: scale } = engine.header, area = crop * crop;
  const mean = meanOf(engine.file), edge = Math.round((side - crop) / 2), draw = randomNumbers(2012);
  const gray = Float32Array.from({ length: 3 * area }, (_, i) =>
    mean[(Math.floor(i / area) * side + edge + Math.floor((i % area) / crop)) * side + edge + (i % crop)]);
  let picture = gray.map((level) => (128 - level + 16 * (draw() - 0.5)) * scale);
  const jitter = { conv1: 0, conv2: 2 }[layer] ?? 4;
  for (let step = 1; step <= steps; step++) {
    const [down, right] = [0, 0].map(() => Math.round((2 * draw() - 1) * jitter));
    const input = { values: rolled(picture, crop, down, right), maps: 3, size: crop };
    const stages = engine.forward(input, { until: layer }), stage = stages.at(-1);
    let found = gradient(stages, input, { layer, seed: oneHot(stage, unit) });
    found = smoothed(rolled(found, crop, -down, -right), crop, jitter ? 0.5 + 1.5 * (1 - step / steps) : 0.5);
    const size = Math.sqrt(found.reduce((sum, value) => sum + value * value, 0) / found.filter(Boolean).length) || 1;
    picture = picture.map((value, i) => {
      const moved = 0.99 * value + (6 * scale * found[i]) / size;
      return Math.min((255 - gray[i]) * scale, Math.max(-gray[i] * scale, moved));
    });
    if (step % 4 && step < steps) continue;
    const pixels = new Uint8ClampedArray(4 * area).fill(255);
    for (let i = 0; i < 3 * area; i++) pixels[4 * (i % area) + Math.floor(i / area)] = picture[i] / scale + gray[i];
    yield { step, steps, value: stage.values[unitIndex(stage, unit)], pixels };
  }
}

// The picture moved down and to the right; what leaves comes in again on the other side.
function rolled(values, size, down, right) {
  const out = new Float32Array(values.length), area = size * size;
  for (let i = 0; i < values.length; i++) {
    const y = Math.floor((i % area) / size), x = i % size;
    out[Math.floor(i / area) * area + ((y + down + size) % size) * size + ((x + right + size) % size)] = values[i];
  }
  return out;
}

// A Gaussian of this standard deviation in pixels, first along rows, then along columns.
function smoothed(values, size, width) {
  const reach = Math.ceil(2 * width), weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-(((i - reach) / width) ** 2) / 2));
  const total = weights.reduce((sum, weight) => sum + weight);
  for (const step of [1, size]) {
    const out = new Float32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const place = step === 1 ? i % size : Math.floor(i / size) % size;
      let sum = 0;
      for (let shift = Math.max(-reach, -place); shift <= Math.min(reach, size - 1 - place); shift++) sum += weights[shift + reach] * values[i + shift * step];
      out[i] = sum / total;
    }
    values = out;
  }
  return values;
}

// Numbers in (0, 1), the same for the same seed: Lehmer's generator.
function randomNumbers(seed) {
  return () => (seed = (48271 * seed) % 2147483647) / 2147483647;
}

Object.assign(LONG, { saliency, caricature });
