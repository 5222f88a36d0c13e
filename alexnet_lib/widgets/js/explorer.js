// What every widget shares: controls, pictures, summary, badge; painted once per frame.

let copies = 0; // ids stay unique when a page shows the same widget twice

function onceAFrame(work) {
  let waiting = 0;
  const ask = () => { waiting ||= requestAnimationFrame(() => { waiting = 0; work(); }); };
  return { ask, stop: () => cancelAnimationFrame(waiting) };
}

// A screen reader hears the summary when the slider has come to rest, not at every step of a drag.
function announcer(region) {
  let timer = 0;
  return (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { region.textContent = text; }, 600);
  };
}

function isDark() {
  return document.documentElement.dataset.theme === "dark" || document.body.dataset.jpThemeLight === "false";
}

// What torch says about the numbers on the screen. `ours` are the module's values for `state`.
function verdict(checked, state, ours, inPage) {
  if (!checked?.values || !ours) return "";
  const peak = Math.max(...checked.values.map(Math.abs)) || 1;
  const holds = Object.entries(checked.at).every(([name, value]) => state[name] === value);
  if (!holds && !inPage) return "torch is computing ...";
  if (!holds) return "torch checked this figure's first setting; it checks every setting in Jupyter";
  const apart = Math.max(...checked.values.map((value, i) => Math.abs(value - ours[i]))) / peak;
  if (apart < 1e-6) return `torch agrees: max difference ${apart.toExponential(1)} of the largest value`;
  return `torch DISAGREES: max difference ${apart.toExponential(1)} of the largest value`;
}

const SWEEP_STEPS = 200, SWEEP_MS = 5000;

// A button that moves one slider from end to end and puts it back where it was.
function sweepButton(p, values, change) {
  let timer = 0, home;
  const made = button("", () => (timer ? stop() : begin()));
  const say = () => { made.textContent = timer ? "Stop" : `Sweep ${p.label}`; };
  function stop() {
    clearInterval(timer);
    timer = 0;
    change({ [p.name]: home });
    say();
  }
  function begin() {
    const last = lastPosition(p), steps = Math.min(last, SWEEP_STEPS);
    let at = -1;
    home = values()[p.name];
    timer = setInterval(() => {
      if ((at += 1) > steps || !made.isConnected) stop();
      else change({ [p.name]: valueAt(p, Math.round((at * last) / steps)) });
    }, SWEEP_MS / steps);
    say();
  }
  say();
  return made;
}

// explorer({title, prepare, build, compute, draw, summary, checked, style}) -> what anywidget calls:
//   prepare(model)                 -> data, awaited once (unpack arrays here)
//   build({parent, change, values, data, model, ask}) -> pictures, made once; ask() paints again; pictures.end(), if
//     there is one, is called when the figure goes
//   compute(state, data)           -> result; pure
//   draw({state, data, result, pictures, colors})
//   summary(state, data, result)   -> one sentence, word for word as in Python
//   checked(state, data, result)   -> the numbers that torch's reference holds, or leave it out
//   style                          -> CSS of this widget alone, or leave it out
//   reset                          -> words of the button that brings the first setting back
//   sweep                          -> name of the slider that a button moves from end to end, or leave it out
function explorer({ title, prepare, build, compute, draw, summary, checked, style = "", reset = "Paper values", sweep }) {
  async function render({ model, el }) {
    const data = prepare ? await prepare(model) : null;
    const params = model.get("params");
    const prefix = `widget-${(copies += 1)}`;
    const values = () => Object.fromEntries(params.map((p) => [p.name, model.get(p.name)]));
    let moved = false;
    const change = (changes) => {
      moved = true;
      for (const [name, value] of Object.entries(changes)) model.set(name, value);
      model.save_changes();
      model.page?.remember(values());
    };

    const shadow = el.attachShadow({ mode: "open" });
    const panel = controls(params, prefix, change);
    const parent = node("div", { class: "pictures" });
    const note = node("p", { class: "note", role: "alert", hidden: "" });
    const buttons = node("div", { class: "buttons" }, button(reset, () => {
      model.set("note", "");
      change(Object.fromEntries(params.map((p) => [p.name, p.paper])));
    }));
    const sweeping = params.find((p) => p.name === sweep);
    if (sweeping && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      buttons.prepend(sweepButton(sweeping, values, change));
    }
    const told = node("span", { role: "status" });
    if (model.page) {
      buttons.append(button("Copy link to this setting", () => model.page.copyLink(told)), told);
    }
    const sentence = node("p", { class: "summary" });
    const badge = node("p", { class: "badge" });
    const region = node("p", { class: "hidden", "aria-live": "polite" });
    const rail = node("div", { class: "rail" }, panel.element, buttons);
    const body = node("div", { class: "body", role: "group", "aria-label": title },
      note, parent, rail, sentence, badge, region);
    shadow.append(node("style", {}, STYLE + style), node("div", { class: "widget" }, body));
    guardKeys(body);

    const say = announcer(region);
    const frame = onceAFrame(paint);
    const pictures = build({ parent, change, values, data, model, ask: frame.ask });
    function paint() {
      const state = values();
      el.toggleAttribute("data-dark", isDark());
      panel.show(state);
      const result = compute(state, data);
      draw({ state, data, result, pictures, colors: palette(el) });
      const words = summary(state, data, result);
      if (moved && sentence.textContent !== words) say(words);
      sentence.textContent = words;
      el.ours = checked?.(state, data, result); // a property, so that tests can read it too
      badge.textContent = verdict(model.get("checked"), state, el.ours, Boolean(model.page));
      note.textContent = model.get("note") ?? "";
      note.hidden = !note.textContent;
      el.dataset.paints = Number(el.dataset.paints ?? 0) + 1;
    }

    paint();
    const events = [...params.map((p) => p.name), "checked", "note"].map((name) => `change:${name}`);
    for (const event of events) model.on(event, frame.ask);
    const sizes = new ResizeObserver(frame.ask);
    sizes.observe(el);
    const themes = new MutationObserver(frame.ask);
    const attributeFilter = ["data-theme", "data-jp-theme-light", "data-jp-theme-name"];
    for (const root of [document.documentElement, document.body]) themes.observe(root, { attributeFilter });
    window.addEventListener("resize", frame.ask); // a zoom changes devicePixelRatio, not the element's size
    return () => {
      frame.stop();
      pictures.end?.();
      for (const event of events) model.off(event, frame.ask);
      sizes.disconnect();
      themes.disconnect();
      window.removeEventListener("resize", frame.ask);
    };
  }
  return { render };
}
