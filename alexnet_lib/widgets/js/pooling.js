// Max pooling with window z and stride s (§3.4) of one channel of a photograph's conv1 response.

const SIDE = 55;
const ZOOM = 15; // height and width of the enlarged part, in pixels

// How many windows fit along one axis. Rounding up lets a last window extend past the border, if it starts inside.
export function outputSize(size, { z, s, ceil }) {
  const count = 1 + (ceil ? Math.ceil : Math.floor)((size - z) / s);
  return (count - 1) * s < size ? count : count - 1;
}

// x: side x side values -> {size, values}
export function maxPool(x, side, settings) {
  const { z, s } = settings, size = outputSize(side, settings);
  const values = new Float32Array(size * size).fill(-Infinity);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      for (let r = row * s; r < Math.min(row * s + z, side); r++) {
        for (let c = column * s; c < Math.min(column * s + z, side); c++) {
          values[row * size + column] = Math.max(values[row * size + column], x[r * side + c]);
        }
      }
    }
  }
  return { size, values };
}

// Which windows along one axis read position `at`: their indices.
export function readers(at, size, { z, s }) {
  return Array.from({ length: size }, (_, i) => i).filter((i) => i * s <= at && at < i * s + z);
}

const settingsOf = ({ z, s, edge }) => ({ z, s, ceil: edge === "ceil" });

export function summary(state, data, { plane, size, values }) {
  const { z, s, row, column } = state;
  const lines = counted(Math.abs(z - s), "pixel rows");
  const shared = z > s ? `share ${lines}` : z < s ? `leave out ${lines}` : "lie side by side";
  const edge = state.edge === "ceil" ? "the last may extend past the border" : "whole windows only";
  const [rows, columns] = [row, column].map((at) => readers(at, size, state));
  const here = plane[row * SIDE + column];
  const wins = rows.flatMap((r) => columns.filter((c) => values[r * size + c] === here)).length;
  return `${z} x ${z} windows every ${counted(s, "pixels")} (${edge}) turn 55 x 55 pixels into `
    + `${size} x ${size} and ${shared}; the pixel at row ${row}, column ${column} is read by `
    + `${counted(rows.length * columns.length, "windows")} and is the largest in ${wins}.`;
}

async function prepare(model) {
  return rectify(await unpack(model.get("response")));
}
const rectify = (signed, own = false) => ({ rectified: signed.map((value) => Math.max(0, value)), own });

function compute(state, { rectified }) {
  const plane = rectified.subarray(state.map * SIDE * SIDE, (state.map + 1) * SIDE * SIDE);
  return { plane, ...maxPool(plane, SIDE, settingsOf(state)) };
}

// Upper left pixel of the enlarged part: around the chosen pixel, inside the channel, but for what extends past the border.
const corner = (at) => Math.min(Math.max(at - (ZOOM >> 1), 0), SIDE - ZOOM + 2);

function build({ parent, change, values, data, model, ask }) {
  const whole = (x, y) => change({ row: Math.floor(y * SIDE), column: Math.floor(x * SIDE) });
  const near = (x, y) => {
    const { row, column } = values();
    const pixel = (part, at) => Math.min(SIDE - 1, corner(at) + Math.floor(part * ZOOM));
    change({ row: pixel(y, row), column: pixel(x, column) });
  };
  const third = { columns: 4, narrow: 6, aspect: 1 };
  const zoomed = "The frame enlarged: all windows, and those that read the pixel";
  const books = { ...data };
  const pictures = {
    input: picture(parent, { ...third, onpick: whole, caption: "conv1's channel; click to move the frame" }),
    zoom: picture(parent, { ...third, onpick: near, caption: zoomed }),
    output: picture(parent, { ...third, caption: "" }),
  };
  ownPicture({ parent, model, values, change, use: (response) => {
    Object.assign(data, response ? rectify(response, true) : books);
    ask();
  } });
  return pictures;
}

function drawZoom(ctx, width, { state, result: { plane, size }, colors, peak }) {
  const step = width / ZOOM, top = corner(state.row), left = corner(state.column), { z, s } = state;
  const part = Float32Array.from({ length: ZOOM * ZOOM }, (_, i) => {
    const row = top + Math.floor(i / ZOOM), column = left + (i % ZOOM);
    return row < SIDE && column < SIDE ? plane[row * SIDE + column] : NaN;
  });
  drawMap(ctx, width, width, part, ZOOM, ZOOM, peak, colors);
  const [rows, columns] = [state.row, state.column].map((at) => readers(at, size, state));
  const frame = (row, column, inset) => {
    const side = z * step - 2 * inset;
    ctx.strokeRect((column * s - left) * step + inset, (row * s - top) * step + inset, side, side);
  };
  ctx.strokeStyle = colors.quiet;
  ctx.globalAlpha = 0.5;
  for (let row = 0; row < size; row++) for (let column = 0; column < size; column++) frame(row, column, 1);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colors.minus;
  ctx.lineWidth = 2;
  // Neighbors are drawn one inside the other, so that shared edges stay apart.
  const inset = (i, j) => 2 + 4 * (i % 2) + 2 * (j % 2);
  rows.forEach((row, i) => columns.forEach((column, j) => frame(row, column, inset(i, j))));
  ctx.strokeStyle = colors.mark;
  ctx.lineWidth = 3;
  ctx.strokeRect((state.column - left) * step + 1, (state.row - top) * step + 1, step - 2, step - 2);
}

function draw({ state, result, pictures, colors }) {
  const { plane, size, values } = result, peak = Math.max(...plane) || 1;
  pictures.input.paint(`Channel ${state.map} after its ReLU`, (ctx, width, height) => {
    drawMap(ctx, width, height, plane, SIDE, SIDE, peak, colors);
    const step = width / SIDE;
    ctx.strokeStyle = colors.mark;
    ctx.lineWidth = 2;
    ctx.strokeRect(corner(state.column) * step, corner(state.row) * step, ZOOM * step, ZOOM * step);
  });
  pictures.zoom.paint(`${ZOOM} by ${ZOOM} pixels and windows around row ${state.row}, column ${state.column}`,
    (ctx, width) => drawZoom(ctx, width, { state, result, colors, peak }));
  pictures.output.retitle(`The pooled channel, ${size} x ${size}`);
  pictures.output.paint(`The pooled channel, ${size} by ${size}`, (ctx, width, height) => {
    drawMap(ctx, width, height, values, size, size, peak, colors);
    const step = width / size;
    ctx.strokeStyle = colors.minus;
    ctx.lineWidth = 2;
    for (const row of readers(state.row, size, state)) {
      for (const column of readers(state.column, size, state)) {
        ctx.strokeRect(column * step, row * step, step, step);
      }
    }
  });
}

function checked(state, { own }, { size, values }) {
  if (own) return null; // torch has not seen a picture of the reader's
  const row = (i) => values.subarray(i * size, (i + 1) * size);
  return Array.from({ length: size }, (_, i) => row(i).reduce((total, value) => total + value, 0));
}

export default explorer({ title: "Overlapping pooling", prepare, build, compute, draw, summary, checked, sweep: "column" });
