// Crops and flips of one photograph (§4.1): where they are, and what they have in common.

const SIDE = 256, SIZE = 224, FREE = SIDE - SIZE;
const AREA = SIZE * SIZE;
const POSITIONS = ["top left", "top right", "bottom left", "bottom right", "center"];

// The ten test crops of a side x side image: five positions, then the same five of the flipped image,
// each as its top left pixel in the image that was not flipped.
export function tenCrops(side, size) {
  const free = side - size, middle = Math.round(free / 2);
  const five = [[0, 0], [0, free], [free, 0], [free, free], [middle, middle]];
  return [false, true].flatMap((reflect) =>
    five.map(([top, left]) => ({ top, left: reflect ? free - left : left, reflect })));
}

export const views = (side, size) => 2 * (side - size + 1) ** 2;

// Pixels of the image that two crops both hold; flipping a crop keeps the same pixels.
export function shared(a, b, size) {
  return Math.max(0, size - Math.abs(a.top - b.top)) * Math.max(0, size - Math.abs(a.left - b.left));
}

// Pixels that every crop holds: the middle that even the crops in opposite corners share.
export const inEveryCrop = (side, size) => Math.max(0, 2 * size - side) ** 2;

// Pixels that two crops, drawn apart from each other, share on average. Rows and columns are independent;
// of the n * n pairs of positions along an axis, 2 (n - d) are d > 0 apart. Holds where crops always overlap.
export function sharedOnAverage(side, size) {
  const n = side - size + 1;
  return (size - (n * n - 1) / (3 * n)) ** 2;
}

export function summary(state, data, { nearest, common }) {
  const { top, left, reflect, show } = state;
  const flipped = reflect ? ", flipped," : "";
  const part = (pixels) => number((100 * pixels) / AREA);
  if (show === "test") {
    return `The ten test crops are four corners, the center and their flips; this crop at row ${top}, `
      + `column ${left}${flipped || ","} is nearest to the ${POSITIONS[nearest]} one and shares `
      + `${common[nearest]} of its ${AREA} pixels with it, ${part(common[nearest])} %.`;
  }
  return `The crop at row ${top}, column ${left}${flipped} is one of ${FREE + 1} x ${FREE + 1} x 2 = `
    + `${views(SIDE, SIZE)} views, where the paper states ${FREE} x ${FREE} x 2 = ${2 * FREE ** 2}; it `
    + `shares ${common[4]} of its ${AREA} pixels with the center crop, ${part(common[4])} %.`;
}

async function prepare(model) {
  return { photo: await decodePhoto(model.get("photo")) };
}

function compute(state) {
  const common = tenCrops(SIDE, SIZE).slice(0, 5).map((crop) => shared(state, crop, SIZE));
  return { common, nearest: common.indexOf(Math.max(...common)) };
}

function build({ parent, change }) {
  // The whole photograph is the range of a drag: its left border is position 0, its right border position 32.
  const position = (part) => Math.floor(part * (FREE + 1));
  const onpick = (x, y) => change({ top: position(y), left: position(x) });
  const photo = picture(parent, { caption: "", columns: 6, aspect: 1, drag: true, onpick });
  const crop = picture(parent, { caption: "", columns: 6, aspect: 1 });
  const holder = node("div", { class: "sheet" });
  const table = node("table");
  parent.append(holder,
    node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Counts" }, table));
  const sheet = picture(holder, {
    caption: "The ten test crops: four corners and the center, and their horizontal flips; the nearest to "
      + "your crop is framed. Click one to move there.",
    aspect: 2.5,
    onpick: (x, y) => change(tenCrops(SIDE, SIZE)[5 * Math.floor(2 * y) + Math.floor(5 * x)]),
  });
  return { photo, crop, sheet, holder, table };
}

function drawCrop(ctx, photo, { top, left, reflect }, x, y, size) {
  ctx.save();
  ctx.translate(x + (reflect ? size : 0), y);
  ctx.scale(reflect ? -1 : 1, 1);
  ctx.drawImage(photo, left, top, SIZE, SIZE, 0, 0, size, size);
  ctx.restore();
}

function drawPhoto(ctx, width, photo, state, colors) {
  const step = width / SIDE;
  const frame = ({ top, left }, size, inset) => ctx.strokeRect(
    left * step + inset, top * step + inset, size * step - 2 * inset, size * step - 2 * inset);
  ctx.globalAlpha = 0.35;
  ctx.drawImage(photo, 0, 0, width, width);
  ctx.globalAlpha = 1;
  ctx.drawImage(photo, state.left, state.top, SIZE, SIZE,
    state.left * step, state.top * step, SIZE * step, SIZE * step);
  const five = tenCrops(SIDE, SIZE).slice(0, 5);
  ctx.lineWidth = 2;
  for (const [i, crop] of five.entries()) {
    if (state.show === "training" && i < 4) continue;
    ctx.strokeStyle = i < 4 ? colors.plus : colors.minus;
    ctx.setLineDash([6, 4]);
    frame(crop, SIZE, 1 + i);
  }
  for (const [color, dash] of [[colors.ground, []], [colors.ink, [2, 4]]]) { // seen on any pixels
    ctx.strokeStyle = color;
    ctx.setLineDash(dash);
    frame({ top: FREE, left: FREE }, SIZE - FREE, 0);
  }
  ctx.setLineDash([]);
  ctx.strokeStyle = colors.mark;
  ctx.lineWidth = 4;
  frame(state, SIZE, 2);
}

function drawSheet(ctx, width, height, photo, nearest, reflect, colors) {
  const cell = Math.min(width / 5, height / 2), gap = 3;
  for (const [i, crop] of tenCrops(SIDE, SIZE).entries()) {
    const x = (i % 5) * (width / 5), y = Math.floor(i / 5) * (height / 2);
    drawCrop(ctx, photo, crop, x + gap, y + gap, cell - 2 * gap);
    if (i % 5 !== nearest || crop.reflect !== reflect) continue;
    ctx.strokeStyle = colors.mark;
    ctx.lineWidth = 3;
    ctx.strokeRect(x + 1.5, y + 1.5, cell - 3, cell - 3);
  }
}

function counts({ common }) {
  const part = (pixels, of) => `${pixels} of ${of}, ${number((100 * pixels) / of)} %`;
  const middle = inEveryCrop(SIDE, SIZE), onAverage = sharedOnAverage(SIDE, SIZE) / AREA;
  return [
    ["Positions along each axis", `${SIDE} − ${SIZE} + 1 = ${FREE + 1}, from 0 to ${FREE}`],
    ["Crops and flips; original code", `${FREE + 1} × ${FREE + 1} × 2 = ${views(SIDE, SIZE)}`],
    ["The paper states", `${FREE} × ${FREE} × 2 = ${2 * FREE ** 2}`],
    ["Pixels of the photograph that every crop holds (dotted square)", part(middle, SIDE ** 2)],
    ["Pixels that two random crops share on average", `${number(100 * onAverage)} %`],
    ["Pixels that crops in opposite corners share", part(middle, AREA)],
    ["Pixels that this crop and the center crop share", part(common[4], AREA)],
  ];
}

function draw({ state, data, result, pictures, colors }) {
  const { top, left, reflect, show } = state, test = show === "test";
  const frames = test ? "dashed, the five positions of the test crops" : "dashed, the center crop";
  pictures.photo.retitle(`The photograph, ${SIDE} x ${SIDE}: framed, the crop; ${frames}; dotted, what every `
    + "crop holds. Drag to move the crop.");
  pictures.photo.paint(`The photograph with the frame of the crop at row ${top}, column ${left}; ${frames}`,
    (ctx, width) => drawPhoto(ctx, width, data.photo, state, colors));
  const words = `${SIZE} x ${SIZE}${reflect ? ", flipped" : ""}`;
  pictures.crop.retitle(`What the network gets: ${words}`);
  pictures.crop.paint(`The crop at row ${top}, column ${left}, ${words}`,
    (ctx, width) => drawCrop(ctx, data.photo, state, 0, 0, width));
  pictures.holder.hidden = !test;
  pictures.sheet.paint("Ten crops of the photograph: four corners and the center, and their flips",
    (ctx, width, height) => drawSheet(ctx, width, height, data.photo, result.nearest, reflect, colors));
  const rows = counts(result).map((row) => node("tr", {}, ...row.map((text) => node("td", {}, text))));
  pictures.table.replaceChildren(node("tr", {}, node("th", {}, "What"), node("th", {}, "Count")), ...rows);
}

const checked = (state, data, { common }) => [
  ...tenCrops(SIDE, SIZE).flatMap(({ top, left, reflect }) => [top, reflect ? left + SIZE - 1 : left]),
  ...common, views(SIDE, SIZE), inEveryCrop(SIDE, SIZE), sharedOnAverage(SIDE, SIZE),
];

const title = "Crops and flips", reset = "Reset", style = ".sheet { grid-column: span 12; }";

export default explorer({ title, prepare, build, compute, draw, summary, checked, style, reset, sweep: "left" });
