// Brings the twins in a page to life. SHARED (what all widgets' modules begin with), NAMES (of the modules) and
// ASSETS (the names of modules and data) stand above this text.

const here = document.currentScript.src;
const loaded = {};
// A page opened from a file path may not load module files, but it may import a blob.
const load = (name) => (loaded[name] ||= asset(name).then((source) =>
  import(URL.createObjectURL(new Blob([SHARED, "\n", source], { type: "text/javascript" })))));

const fetched = {};
const asset = (name) => (fetched[name] ||= new Promise((resolve, reject) => {
  // It is a script, so a page may name one of ours and no other.
  if (!ASSETS.includes(name)) throw new Error("its data has a name that this book does not have");
  const script = document.createElement("script");
  script.src = new URL(`page-assets/${name}.js`, here).href;
  script.onload = () => resolve(window.PAGE_WIDGET_ASSETS[name]);
  script.onerror = () => reject(new Error(`the data of this figure, ${script.src}, did not load`));
  document.head.append(script);
}));

// What anywidget's modules expect of a model, without a kernel behind it.
function standInModel(state) {
  const listeners = {};
  return {
    get: (key) => state[key],
    set(key, value) {
      if (state[key] === value) return;
      state[key] = value;
      for (const listener of listeners[`change:${key}`] ?? []) listener();
    },
    on: (event, listener) => (listeners[event] ||= new Set()).add(listener),
    off: (event, listener) => listeners[event]?.delete(listener),
    save_changes() {},
  };
}

// The address is anybody's, and so is the state of a page that was copied: both are only ever compared, turned
// into a number, or shown as text.
function fits(p, value) {
  if (p.kind === "toggle") return typeof value === "boolean";
  if (p.kind === "choice") return p.options.some(([one]) => one === value);
  if (p.kind === "steps") return p.values.includes(value);
  const inside = typeof value === "number" && value >= p.min && value <= p.max;
  return inside && (!p.whole || Number.isInteger(value));
}
const BOOLEANS = new Map([["true", true], ["false", false]]);
function parseValue(p, text) {
  const number = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
  return [text, number, BOOLEANS.get(text)].find((value) => fits(p, value));
}
function allowed(p) {
  if (p.kind === "toggle") return "true or false";
  if (p.kind === "choice") return `one of ${p.options.map(([value]) => value).join(", ")}`;
  if (p.kind === "steps") return `one of ${p.values.join(", ")}`;
  return `${p.whole ? "a whole number " : ""}from ${p.min} to ${p.max}`;
}

// "#lrn.k=2&lrn.n=5" -> {values: {k: 2, n: 5}, note: ""}; a value that is out of range becomes the paper's.
// However long the address is, the note has one sentence for a parameter and one for all unknown names.
function readHash(hash, prefix, params) {
  const values = {}, notes = new Map();
  for (const part of hash.replace(/^#/, "").split("&")) {
    if (!part.startsWith(`${prefix}.`)) continue;
    const [name, ...rest] = part.slice(prefix.length + 1).split("=");
    const text = decode(rest.join("="));
    const p = params.find((candidate) => candidate.name === name);
    if (!p) {
      notes.set(null, `The link sets ${name.slice(0, 30)}, which this figure does not have.`);
      continue;
    }
    values[name] = parseValue(p, text);
    if (values[name] === undefined) {
      values[name] = p.paper;
      notes.set(p, `The link asks for ${name} = ${text.slice(0, 30)}, which is not ${allowed(p)}; `
        + `the paper's ${p.paper} is shown instead.`);
    }
  }
  return { values, note: [...notes.values()].join(" ") };
}
function decode(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}
function writeHash(hash, prefix, values) {
  const isOthers = (part) => part.includes("=") && !part.startsWith(`${prefix}.`);
  const others = hash.replace(/^#/, "").split("&").filter(isOthers);
  const own = Object.entries(values).map(([name, value]) => `${prefix}.${name}=${encodeURIComponent(value)}`);
  return `#${[...others, ...own].join("&")}`;
}

function pageOf(model, prefix) {
  let timer = 0;
  const write = (values) => history.replaceState(history.state, "", writeHash(location.hash, prefix, values));
  const values = () => Object.fromEntries(model.get("params").map((p) => [p.name, model.get(p.name)]));
  return {
    asset, // for what is too large to come unasked
    // Browsers refuse a hundred changes of the address in a few seconds, and a drag makes them.
    remember(state) { clearTimeout(timer); timer = setTimeout(write, 250, state); },
    async copyLink(told) {
      write(values());
      try {
        await navigator.clipboard.writeText(location.href);
        told.textContent = "Copied.";
      } catch {
        told.textContent = "The link is in the address bar.";
      }
    },
  };
}

async function hydrate(box, prefix) {
  const name = box.dataset.widget;
  const live = document.createElement("div");
  live.className = "page-widget-live";
  try {
    const state = JSON.parse(box.querySelector("script[type='application/json']").textContent);
    for (const [key, value] of Object.entries(state)) {
      if (value?.$asset) state[key] = await asset(value.$asset);
    }
    for (const p of state.params) if (!fits(p, state[p.name])) state[p.name] = p.paper;
    const model = standInModel(state);
    const follow = () => {
      const { values, note } = readHash(location.hash, prefix, state.params);
      for (const [key, value] of Object.entries({ ...values, note })) model.set(key, value);
      return Object.keys(values).length > 0 || note !== "";
    };
    const asked = follow();
    window.addEventListener("hashchange", follow);
    model.page = pageOf(model, prefix);
    box.append(live);
    await (await load(name)).default.render({ model, el: live });
    box.dataset.state = "ready";
    if (asked) box.scrollIntoView();
  } catch (error) {
    live.remove(); // what it had drawn so far would hide the words
    const told = Object.assign(document.createElement("div"), { className: "page-widget-live" });
    told.textContent = `This figure did not start (${error.message}); its picture shows the first setting.`;
    box.append(told);
    box.dataset.state = "error";
    console.error(error);
  }
}

document.head.append(Object.assign(document.createElement("style"), { textContent: `
@media screen {
  .page-widget[data-state=ready] > figure { display: none; }
  .text_html:has(> .page-widget[data-state=ready]) { background: none !important; padding: 0 !important; }
}
@media print { .page-widget-live { display: none; } }` }));

// A widget comes to life when it is less than a screen away, or when the address names it.
const sleeping = new Map(), counts = {};
function wake(box) {
  const prefix = sleeping.get(box);
  if (!sleeping.delete(box)) return null;
  near.unobserve(box);
  return hydrate(box, prefix);
}
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) if (isIntersecting) wake(target);
}, { rootMargin: "100% 0px" });
function wakeNamed() {
  for (const [box, prefix] of [...sleeping]) {
    if (location.hash.slice(1).split("&").some((part) => part.startsWith(`${prefix}.`))) wake(box);
  }
}
for (const box of document.querySelectorAll(".page-widget")) {
  const name = box.dataset.widget;
  counts[name] = (counts[name] ?? 0) + 1;
  sleeping.set(box, counts[name] === 1 ? name : `${name}-${counts[name]}`);
  near.observe(box);
}
window.addEventListener("hashchange", wakeNamed);
wakeNamed();

window.PAGE_WIDGETS = { names: NAMES, load, readHash, writeHash, wake: () => Promise.all([...sleeping.keys()].map(wake)) };
