// One photograph through the eight layers, a stop at a time. The pictures were made by torch; in the page they
// are those of the list that readers without JavaScript see.

const WALK_STYLE = `
:host { --on: #fff; }
:host([data-dark]) { --on: #10151c; }
.walk { gap: 0.6rem; }
.walk h2 { margin: 0; font-size: 1.3rem; line-height: 1.2; }
.walk .which { font-size: 0.85rem; color: var(--quiet); font-variant-numeric: tabular-nums; }
.walk .picture { background: #fff; border-radius: 6px; padding: 6px; border: 1px solid var(--line); }
.walk:focus-visible { outline: 3px solid var(--plus); outline-offset: 2px; }
.walk:focus:not(:focus-visible) { outline: none; }
.walk img { display: block; width: 100%; height: auto; }
.walk .words { font-size: 1.08rem; line-height: 1.55; max-width: 38rem; min-height: 6.2em; }
.walk .paper { font-size: 0.92rem; color: var(--quiet); }
.walk .paper b { color: var(--ink); }
.walk a { color: var(--pst-color-link, var(--plus)); font-weight: 600; }
.walk nav { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; }
.walk .shown { display: grid; gap: 0.55rem; }
.walk .dots { display: flex; gap: 2px; }
.walk .dots button { min-width: 28px; min-height: 28px; padding: 0; background: none; border: 0; color: var(--quiet); }
.walk .dots button::before { content: ""; display: inline-block; width: 10px; height: 10px; border-radius: 50%;
  border: 2px solid var(--quiet); }
.walk .dots button[aria-current]::before { background: var(--mark); border-color: var(--mark); }
.walk .next { background: var(--plus); color: var(--on); border-color: var(--plus); font-weight: 650; }
.walk button:disabled { opacity: 0.45; cursor: default; }
@media (prefers-reduced-motion: no-preference) {
  .walk .shown { animation: arrive 0.28s ease-out; }
  @keyframes arrive { from { opacity: 0; transform: translateX(10px); } }
}
`;

async function renderWalk({ model, el }) {
  const stops = model.get("stops"), shadow = el.attachShadow({ mode: "open" });
  const printed = [...(el.parentElement?.querySelectorAll("figure img") ?? [])];
  const images = stops.map((stop, i) => node("img", {
    src: stop.webp ? `data:image/webp;base64,${stop.webp}` : printed[i].src, alt: stop.alt ?? printed[i].alt }));
  const go = (stop) => {
    model.set("stop", Math.max(1, Math.min(stops.length, stop)));
    model.save_changes();
    model.page?.remember({ stop: model.get("stop") });
  };
  const which = node("p", { class: "which" }), title = node("h2"), frame = node("div", { class: "picture" });
  const words = node("p", { class: "words" }), paper = node("p", { class: "paper" }), door = node("p");
  const shown = node("div", { class: "shown", "aria-live": "polite" }, which, title, frame, words, paper, door);
  const back = button("← Back", () => go(model.get("stop") - 1)), next = button("Next →", () => go(model.get("stop") + 1));
  next.className = "next";
  const dots = stops.map((stop, i) => {
    const dot = button("", () => go(i + 1));
    dot.setAttribute("aria-label", `Stop ${i + 1}: ${stop.layer}`);
    return dot;
  });
  const note = node("p", { class: "note", role: "alert", hidden: "" });
  const body = node("div", { class: "body walk", role: "group", "aria-label": "One photograph through eight layers" }, note, shown,
    node("nav", { "aria-label": "Stops" }, back, next, node("div", { class: "dots" }, ...dots)));
  body.tabIndex = 0;
  body.addEventListener("keydown", (event) => {
    const onControl = event.composedPath()[0].matches?.("button, a");
    const move = { ArrowRight: 1, ArrowLeft: -1, " ": onControl ? 0 : 1 }[event.key];
    if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(model.get("stop") + move);
  });
  shadow.append(node("style", {}, STYLE + WALK_STYLE), node("div", { class: "widget" }, body));
  guardKeys(body);

  function paint() {
    const at = model.get("stop") - 1, stop = stops[at];
    el.toggleAttribute("data-dark", isDark());
    which.textContent = `Layer ${at + 1} of ${stops.length} · ${stop.layer}`;
    title.textContent = stop.title;
    frame.replaceChildren(images[at]);
    words.textContent = stop.words;
    paper.replaceChildren("The paper: ", node("b", {}, stop.number), ".");
    door.replaceChildren(node("a", { href: `${stop.page}.html` }, `${stop.chapter} →`));
    const held = shadow.activeElement;
    back.disabled = at === 0;
    next.disabled = at === stops.length - 1;
    if (held?.disabled) body.focus(); // else the keys would go nowhere
    dots.forEach((dot, i) => (i === at ? dot.setAttribute("aria-current", "step") : dot.removeAttribute("aria-current")));
    note.textContent = model.get("note") ?? "";
    note.hidden = !note.textContent;
    shown.classList.remove("shown");
    void shown.offsetWidth; // starts the animation again
    shown.classList.add("shown");
    el.dataset.paints = Number(el.dataset.paints ?? 0) + 1;
  }
  paint();
  for (const event of ["change:stop", "change:note"]) model.on(event, paint);
  const themes = new MutationObserver(() => el.toggleAttribute("data-dark", isDark()));
  for (const place of [document.documentElement, document.body]) themes.observe(place, { attributeFilter: ["data-theme", "data-jp-theme-light"] });
  return () => { themes.disconnect(); for (const event of ["change:stop", "change:note"]) model.off(event, paint); };
}

export default { render: renderWalk };
