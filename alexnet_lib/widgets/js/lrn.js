// Local response normalization (§3.3) of one photograph's conv1 response.

const MAPS = 96, SIDE = 55, TOWER = 48;

// x: maps x area values. Returns x / (k + alpha * sum of squares over n channels around) ** beta.
// Even n reaches one channel further below than above, as in torch. The sum slides: one channel enters, one leaves.
export function lrn(x, settings, out = new Float32Array(x.length)) {
  const { maps, k, n, alpha, beta, overN = false, towers = 1 } = settings;
  const area = x.length / maps, below = n >> 1, above = (n - 1) >> 1, width = maps / towers;
  const scale = overN ? alpha / n : alpha;
  const energy = new Float64Array(area);
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
        if (x[at] === 0) { out[at] = 0; continue; }
        const base = k + scale * energy[i];
        // Two square roots cost a third of a power, and 0.75 is where the reader spends most of the time.
        out[at] = x[at] / (beta === 0.75 ? Math.sqrt(base) * Math.sqrt(Math.sqrt(base)) : base ** beta);
      }
    }
  }
  return out;
}

// First and last channel of the window around `map`.
export function windowOf({ map, n, reach }) {
  const first = reach === "inside" && map >= TOWER ? TOWER : 0;
  const last = reach === "inside" && map < TOWER ? TOWER - 1 : MAPS - 1;
  return [Math.max(first, map - (n >> 1)), Math.min(last, map + ((n - 1) >> 1))];
}

export function summary(state, data, { before, after }) {
  const [first, last] = windowOf(state);
  const at = (state.map * SIDE + state.row) * SIDE + state.column;
  const here = `At row ${state.row}, column ${state.column}, channel ${state.map}`;
  const window = `its window has channels ${first} to ${last}.`;
  if (before[at] === 0) return `${here} is inactive and stays at 0; ${window}`;
  const left = number((100 * after[at]) / before[at]);
  const change = `goes from ${number(before[at])} to ${number(after[at])}, ${left} % of its value`;
  return `${here} ${change}; ${window}`;
}

function column(values, { row, column }) {
  return Array.from({ length: MAPS }, (_, map) => values[(map * SIDE + row) * SIDE + column]);
}

async function prepare(model) {
  const signed = await unpack(model.get("response"));
  const photo = await decodePhoto(model.get("photo"));
  return { ...shownOf(signed, photo), after: new Float32Array(signed.length) };
}
const shownOf = (signed, photo, own = false) => ({ signed, rectified: signed.map((value) => Math.max(0, value)), photo, own });

function compute(state, data) {
  const before = state.order === "after" ? data.rectified : data.signed;
  const towers = state.reach === "inside" ? 2 : 1;
  const settings = { ...state, maps: MAPS, towers, overN: state.scale === "over-n" };
  return { before, after: lrn(before, settings, data.after) };
}

function build({ parent, change, values, data, model, ask }) {
  const pixel = (x, y) => change({ row: Math.floor(y * SIDE), column: Math.floor(x * SIDE) });
  const small = { columns: data.photo ? 3 : 4, narrow: 6, aspect: 1, onpick: pixel };
  const books = { ...data };
  const pictures = {
    bars: picture(parent, { caption: "", aspect: 3.6, onpick: (x) => change({ map: Math.floor(x * MAPS) }) }),
    photo: data.photo && picture(parent, { ...small, caption: "What this position sees" }),
    before: picture(parent, { ...small, caption: "The channel before" }),
    after: picture(parent, { ...small, caption: "After, in the same colors" }),
    left: picture(parent, { ...small, caption: "After / before, where active" }),
  };
  ownPicture({ parent, model, values, change, use: (response, photo) => {
    Object.assign(data, response ? shownOf(response, photo, true) : books);
    ask();
  } });
  return pictures;
}

function drawBars(ctx, width, height, before, after, state, colors) {
  const high = Math.max(...before, 0), low = Math.min(...before, 0), span = high - low || 1;
  const y = (value) => 4 + ((high - value) / span) * (height - 8);
  const step = width / MAPS, [first, last] = windowOf(state);
  ctx.fillStyle = colors.panel;
  ctx.fillRect(first * step, 0, (last - first + 1) * step, height);
  const bar = (map, value, color) => {
    ctx.fillStyle = color;
    ctx.fillRect(map * step + step * 0.12, Math.min(y(0), y(value)), step * 0.76, Math.abs(y(value) - y(0)));
  };
  for (let map = 0; map < MAPS; map++) {
    bar(map, before[map], colors.line);
    bar(map, after[map], map === state.map ? colors.mark : after[map] < 0 ? colors.minus : colors.plus);
  }
  ctx.strokeStyle = colors.quiet;
  ctx.setLineDash([4, 4]);
  ctx.beginPath();
  ctx.moveTo(TOWER * step, 0);
  ctx.lineTo(TOWER * step, height);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.strokeRect((state.map + 0.5) * step - 0.5, height - 4, 1, 4);
}

function drawPixel(ctx, width, { row, column }, colors) {
  const step = width / SIDE;
  ctx.strokeStyle = colors.mark;
  ctx.lineWidth = 2;
  ctx.strokeRect(column * step - 3, row * step - 3, step + 6, step + 6);
}

// The 224 x 224 crop with the 11 x 11 pixels that one position of conv1 reads, 4 apart (§3.5).
function drawPhoto(ctx, width, height, photo, { row, column }, colors) {
  const margin = (photo.width - 224) / 2, step = width / 224;
  ctx.drawImage(photo, margin, margin, 224, 224, 0, 0, width, height);
  ctx.strokeStyle = colors.mark;
  ctx.lineWidth = 2;
  ctx.strokeRect(4 * column * step, 4 * row * step, 11 * step, 11 * step);
}

function draw({ state, data, result, pictures, colors }) {
  const bars = [column(result.before, state), column(result.after, state)];
  pictures.bars.retitle(`All 96 channels at row ${state.row}, column ${state.column}: gray before, color after; `
    + `the shaded window normalizes channel ${state.map}, the dashed line separates the towers. Click to pick one.`);
  pictures.bars.paint(
    `Bars of 96 channels at one position, the largest ${number(Math.max(...bars[0]))} before and `
    + `${number(Math.max(...bars[1]))} after normalization`,
    (ctx, width, height) => drawBars(ctx, width, height, ...bars, state, colors),
  );
  pictures.photo?.paint("The photograph, the 11 by 11 pixels that this position reads framed",
    (ctx, width, height) => drawPhoto(ctx, width, height, data.photo, state, colors));

  const area = SIDE * SIDE, plane = (values) => values.subarray(state.map * area, (state.map + 1) * area);
  const before = plane(result.before), after = plane(result.after);
  const peak = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const left = before.map((value, i) => (value === 0 ? NaN : after[i] / value));
  for (const [name, values, most] of [["before", before, peak], ["after", after, peak], ["left", left, 1]]) {
    pictures[name].paint(`Channel ${state.map} as 55 by 55 values, ${name === "left" ? "after / before" : name}`,
      (ctx, width, height) => {
        drawMap(ctx, width, height, values, SIDE, SIDE, most, colors);
        drawPixel(ctx, width, state, colors);
      });
  }
}

// torch has not seen a picture of the reader's.
const checked = (state, { own }, { after }) => (own ? null : column(after, state));

const title = "Local response normalization";
export { conv1Of };
export default explorer({ title, prepare, build, compute, draw, summary, checked, sweep: "alpha" });
