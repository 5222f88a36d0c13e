// Pictures of the reader's own, from a file, a drop or the camera. They stay in this page.

const MEGABYTES = 40;
const PIXELS = 4e6; // of a picture that is kept

// Any picture as the network was trained: the shorter side scaled, the middle square cut out (§2).
function squarePixels(picture, side) {
  const { width, height } = picture, edge = Math.min(width, height);
  let source = picture, [x, y, size] = [(width - edge) / 2, (height - edge) / 2, edge];
  while (size > 2 * side) { // halving keeps what one large step would skip
    const half = Math.ceil(size / 2), canvas = new OffscreenCanvas(half, half);
    const ctx = canvas.getContext("2d");
    ctx.imageSmoothingQuality = "high";
    ctx.drawImage(source, x, y, size, size, 0, 0, half, half);
    [source, x, y, size] = [canvas, 0, 0, half];
  }
  const canvas = new OffscreenCanvas(side, side), ctx = canvas.getContext("2d", { willReadFrequently: true });
  ctx.fillStyle = "#fff"; // behind what is transparent
  ctx.fillRect(0, 0, side, side);
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(source, x, y, size, size, 0, 0, side, side);
  return ctx.getImageData(0, 0, side, side);
}
function canvasOf(image) {
  const canvas = new OffscreenCanvas(image.width, image.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// A file as {bitmap, name, words}, upright and of at most four million pixels. `words` say what is odd about it.
// Raises Error with a sentence for the reader.
async function readPicture(file) {
  const name = file.name.slice(0, 60);
  if (file.size > MEGABYTES * 2 ** 20) {
    throw new Error(`${name} has ${Math.round(file.size / 2 ** 20)} MB, and this page reads up to ${MEGABYTES}: save it smaller.`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new Error(`${name} is not a picture that this browser can read: use a JPEG, PNG or WebP file.`);
  }
  const { width, height } = bitmap, words = Math.min(width, height) < 32
    ? `${name} has ${width} × ${height} pixels; the network sees it enlarged.` : "";
  if (width * height <= PIXELS) return { bitmap, name, words };
  const held = await createImageBitmap(bitmap, { resizeWidth: Math.round(width * Math.sqrt(PIXELS / width / height)), resizeQuality: "high" });
  bitmap.close();
  return { bitmap: held, name, words };
}

async function fromCamera() {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const video = node("video", { muted: "", playsinline: "" });
    video.srcObject = stream;
    await video.play();
    await new Promise((resolve) => setTimeout(resolve, 600)); // cameras begin dark
    return { bitmap: await createImageBitmap(video), name: "camera", words: "" };
  } catch {
    throw new Error("The camera gave no picture: allow it in the browser, or choose a file.");
  } finally {
    for (const track of stream?.getTracks() ?? []) track.stop();
  }
}

// A button that opens the file dialog, one for the camera where there is one, and files dropped on `zone`.
// take(pictures, count) gets promises as readPicture gives them, at most `most`; `count` files came.
function pictureInput({ zone, mark = zone, words, most = 1, take }) {
  const chooser = node("input", { type: "file", accept: "image/*", hidden: "", ...(most > 1 ? { multiple: "" } : {}) });
  const files = (all) => { if (all.length) take(all.slice(0, most).map(readPicture), all.length); };
  chooser.addEventListener("change", () => { files([...chooser.files]); chooser.value = ""; });
  zone.addEventListener("dragover", (event) => { event.preventDefault(); mark.classList.add("over"); });
  zone.addEventListener("dragleave", () => mark.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    mark.classList.remove("over");
    files([...event.dataTransfer.files]);
  });
  const buttons = [button(words, () => chooser.click()), chooser];
  if (navigator.mediaDevices) buttons.splice(1, 0, button("Camera", () => take([fromCamera()], 1)));
  return buttons;
}

// What conv1 (§3.5) answers to a square picture: (96, 55, 55) before the ReLU, as tools/widget_assets.py has it.
function conv1Of({ width, data }, { levels, scales, bias, mean }) {
  const z = 11, stride = 4, size = 55, crop = 224, depth = 3 * z * z, edge = (width - crop) / 2;
  const weights = Float32Array.from(new Int8Array(bytesOf(levels).buffer), (level, i) => level * scales[Math.floor(i / depth)]);
  const found = new Float32Array(scales.length * size * size), window = new Float32Array(depth);
  for (let place = 0; place < size * size; place++) {
    const top = stride * Math.floor(place / size), left = stride * (place % size);
    for (let k = 0; k < depth; k++) {
      const channel = Math.floor(k / (z * z)), y = top + (Math.floor(k / z) % z), x = left + (k % z);
      window[k] = y < crop && x < crop ? data[4 * ((edge + y) * width + edge + x) + channel] - mean[channel] : 0;
    }
    for (let map = 0; map < scales.length; map++) {
      let sum = bias[map];
      for (let k = 0, at = map * depth; k < depth; k++, at++) sum += weights[at] * window[k];
      found[map * size * size + place] = sum;
    }
  }
  return found;
}

// Where a response of 96 maps of 55 x 55 is largest.
function brightest(response) {
  const at = response.reduce((most, value, i) => (value > response[most] ? i : most), 0), area = 55 * 55;
  return { map: Math.floor(at / area), row: Math.floor((at % area) / 55), column: at % 55 };
}

// For a figure of conv1's response: buttons that put a picture of the reader's own in the place of the book's, and
// go to where it excites conv1 most. use(response, picture) gets what conv1Of finds and a canvas, and nothing
// where it shall be the book's again.
function ownPicture({ parent, model, values, change, use }) {
  let turn = 0, home = null;
  const told = node("p", { role: "alert" });
  const show = (own, words, place, ...picture) => {
    back.hidden = !own;
    told.textContent = words;
    use(...picture);
    change(place);
  };
  const back = button("The book's photograph", () => { turn += 1; show(false, "", home); home = null; });
  back.hidden = true;
  async function take([coming], count) {
    const mine = (turn += 1);
    try {
      const { bitmap, words } = await coming, pixels = squarePixels(bitmap, 256);
      bitmap.close();
      const response = conv1Of(pixels, await assetOf(model, "kernels")), { map, row, column } = values();
      if (mine !== turn) return;
      home ||= { map, row, column };
      show(true, count > 1 ? `${count} files came; the first is shown.` : words || "This is your picture. It stays in this page.",
        brightest(response), response, canvasOf(pixels));
    } catch (error) {
      if (mine === turn) told.textContent = error.message;
    }
  }
  parent.append(node("div", { class: "buttons own" }, ...pictureInput({ zone: parent, words: "Your picture …", take }), back, told));
}
