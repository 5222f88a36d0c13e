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
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const video = node("video", { muted: "", playsinline: "" });
    video.srcObject = stream;
    await video.play();
    await new Promise((resolve) => setTimeout(resolve, 600)); // cameras begin dark
    const bitmap = await createImageBitmap(video);
    for (const track of stream.getTracks()) track.stop();
    return { bitmap, name: "camera", words: "" };
  } catch {
    throw new Error("The camera gave no picture: allow it in the browser, or choose a file.");
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
