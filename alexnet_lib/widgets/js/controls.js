// Native controls, built from the parameters that Python declares (params.py).

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// A slider moves over whole positions; these two functions are all that knows about its scale.
function lastPosition(p) {
  if (p.kind === "steps") return p.values.length - 1;
  return Math.round(p.log ? Math.log10(p.max / p.min) * p.step : (p.max - p.min) / p.step);
}
function valueAt(p, position) {
  if (p.kind === "steps") return p.values[position];
  // Rounding gives back 0.0001 where 1e-6 * 10 ** 2 would leave a tail of nines.
  if (p.log) return Math.min(p.max, Number((p.min * 10 ** (position / p.step)).toPrecision(3)));
  return Math.min(p.max, Number((p.min + position * p.step).toPrecision(12)));
}
function positionOf(p, value) {
  if (p.kind === "steps") return p.values.indexOf(value);
  return Math.round(p.log ? Math.log10(value / p.min) * p.step : (value - p.min) / p.step);
}

function spoken(p, value) {
  const words = p.kind === "steps" ? p.words[p.values.indexOf(value)] : String(value);
  if (!p.unit) return words;
  return value === 1 ? counted(1, p.unit) : `${words} ${p.unit}`;
}

function sliderRow(p, id, change) {
  const input = node("input", { type: "range", id, min: 0, max: lastPosition(p), step: 1, name: p.name });
  const output = node("output", { for: id, "aria-live": "off" });
  input.addEventListener("input", () => change({ [p.name]: valueAt(p, Number(input.value)) }));
  const show = (value) => {
    input.value = positionOf(p, value);
    input.setAttribute("aria-valuetext", spoken(p, value));
    output.textContent = spoken(p, value);
  };
  return { element: node("div", { class: "row" }, node("label", { for: id }, p.label), input, output), show };
}

function radioGroup(p, id, change) {
  const inputs = p.options.map(([value]) => {
    const names = { name: id, id: `${id}-${value}`, "data-name": p.name };
    const input = node("input", { type: "radio", value, ...names });
    input.addEventListener("change", () => change({ [p.name]: value }));
    return input;
  });
  const rows = p.options.map(([, words], i) =>
    node("div", { class: "option" }, inputs[i], node("label", { for: inputs[i].id }, words)));
  const show = (value) => inputs.forEach((input) => { input.checked = input.value === value; });
  return { element: node("fieldset", {}, node("legend", {}, p.label), ...rows), show };
}

function selectRow(p, id, change) {
  const select = node("select", { id, name: p.name },
    ...p.options.map(([value, words]) => node("option", { value }, words)));
  select.addEventListener("change", () => change({ [p.name]: select.value }));
  const show = (value) => { select.value = value; };
  return { element: node("div", { class: "row wide" }, node("label", { for: id }, p.label), select), show };
}

function checkboxRow(p, id, change) {
  const input = node("input", { type: "checkbox", id, name: p.name });
  input.addEventListener("change", () => change({ [p.name]: input.checked }));
  const show = (value) => { input.checked = value; };
  return { element: node("div", { class: "option" }, input, node("label", { for: id }, p.label)), show };
}

// The seed of a random draw: each press takes the next one.
function drawButton(p, id, change) {
  const element = button("", () => change({ [p.name]: element.value === String(p.max) ? p.min : Number(element.value) + 1 }));
  for (const [name, value] of Object.entries({ id, name: p.name })) element.setAttribute(name, value);
  const show = (value) => {
    element.value = value;
    element.textContent = `${p.label} (seed ${value})`;
  };
  return { element, show };
}

const FEW = 3; // options that are shown side by side; more go into a list
function controlFor(p, id, change) {
  if (p.kind === "toggle") return checkboxRow(p, id, change);
  if (p.kind === "choice") return (p.options.length <= FEW ? radioGroup : selectRow)(p, id, change);
  return (p.kind === "draw" ? drawButton : sliderRow)(p, id, change);
}

// All controls of a widget, sliders and lists above buttons and boxes; show(state) sets every one of them.
function controls(params, prefix, change) {
  const made = params.map((p) => controlFor(p, `${prefix}-${p.name}`, change));
  const part = (inRows) => made.map((control) => control.element).filter((e) => e.matches(".row") === inRows);
  const element = node("div", {}, node("div", { class: "controls" }, ...part(true)),
    node("div", { class: "groups" }, ...part(false)));
  return { element, show: (state) => params.forEach((p, i) => made[i].show(state[p.name])) };
}

function button(words, act) {
  const made = node("button", { type: "button" }, words);
  made.addEventListener("click", act);
  return made;
}

// In its command mode JupyterLab would take the arrows for its cells and type "b" as "insert a cell".
function guardKeys(box) {
  box.addEventListener("keydown", (event) => {
    const forTheHost = event.ctrlKey || event.metaKey || event.altKey || event.key === "Escape"
      || (event.shiftKey && event.key === "Enter");
    if (!forTheHost) event.stopPropagation();
  });
}
