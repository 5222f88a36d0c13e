// The page's side of the network: its worker, its files, and what is where in its answers.

// A script in a worker or, refused one, in the page: ask(kind, given, part) -> its answer. serve: its function that
// answers messages.
function startEngine(source, serve = "serve") {
  const waiting = new Map();
  let count = 0, send;
  const hear = (answer) => {
    const question = waiting.get(answer.id);
    if (!question) return;
    if (answer.part) return question.part(answer);
    waiting.delete(answer.id);
    if (answer.error) question.reject(new Error(answer.error));
    else question.resolve(answer);
  };
  const blob = (end) => URL.createObjectURL(new Blob([source, end], { type: "text/javascript" }));
  const inPage = async () => {
    const answer = (await import(blob(`\nexport { ${serve} };`)))[serve](hear);
    send = (message) => setTimeout(answer, 0, message); // the page paints and hears clicks in between
    for (const { message } of waiting.values()) send(message);
  };
  let worker;
  try {
    worker = new Worker(blob(`\nconst answer = ${serve}((found) => postMessage(found));\nonmessage = ({ data }) => answer(data);`));
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (event) => { event.preventDefault?.(); worker.terminate(); inPage(); };
    send = (message) => worker.postMessage(message);
  } catch {
    send = () => {};
    inPage();
  }
  const ask = (kind, given = {}, part = () => {}) => new Promise((resolve, reject) => {
    const message = { ask: kind, id: (count += 1), ...given };
    if (kind !== "stop") waiting.set(message.id, { resolve, reject, part, message });
    send(message);
  });
  // Nobody watches a page that is left or hidden, so nothing long goes on there.
  const rest = () => { if (document.hidden) ask("stop"); };
  document.addEventListener("visibilitychange", rest);
  const end = () => {
    document.removeEventListener("visibilitychange", rest);
    worker?.terminate();
  };
  return { ask, end };
}

// What comes on a click: from a script beside the page, or from the kernel.
function assetOf(model, name) {
  if (model.page) return model.page.asset(name);
  return askKernel(model, { ask: "asset", name }).then(({ text }) => JSON.parse(text));
}
let questions = 0;
function askKernel(model, message, buffers) {
  const id = (questions += 1);
  return new Promise((resolve) => {
    const hear = (answer) => {
      if (answer.answer !== id) return;
      model.off("msg:custom", hear);
      resolve(answer);
    };
    model.on("msg:custom", hear);
    model.send({ ...message, id }, undefined, buffers);
  });
}

// The trained network, running, and the ten photographs: {engine, file, photos: name -> ImageData}.
async function openNetwork(model, ...more) {
  const [file, { photos }, ...scripts] = await Promise.all(
    ["network", "photos", "engine", ...more].map((name) => assetOf(model, name)));
  const engine = startEngine(scripts.join("\n"));
  const opened = await engine.ask("open", { file, wasm: true });
  const pixels = {};
  for (const [name, { jpeg }] of Object.entries(photos)) {
    const bitmap = await createImageBitmap(new Blob([bytesOf(jpeg)], { type: "image/jpeg" }));
    pixels[name] = squarePixels(bitmap, opened.header.side);
  }
  return { engine, file: opened, photos: pixels, jpegs: photos };
}

const stageOf = (result, name) => result.stages.find((stage) => stage.name === name);
const numberOf = (layer) => layer.replace(/\D/g, "");

// Where one position of a convolution looks: first pixel and side in the crop; `jump` pixels to the next one.
function receptiveField(header, layer, place, pool) {
  let field = 1, jump = 1, start = 0;
  for (const conv of header.layers) {
    start -= conv.padding * jump;
    field += (conv.kernel - 1) * jump;
    jump *= conv.stride;
    if (conv.name === layer) break;
    const pooled = conv.then.find(([step]) => step === "pool");
    if (!pooled) continue;
    const { z, s } = { ...pooled[1], ...pool };
    field += (z - 1) * jump;
    jump *= s;
  }
  return { start: start + place * jump, field, jump };
}
