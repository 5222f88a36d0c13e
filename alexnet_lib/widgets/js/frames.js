// Results that Python computed beforehand, one for each setting of the sliders.

// The place of a setting in the list: the last parameter runs fastest, as in Python's itertools.product.
export function frameIndex(state, params) {
  return params.reduce((index, p) => index * p.values.length + p.values.indexOf(state[p.name]), 0);
}

export function summary(state, { title, params }) {
  return `${title}: ${params.map((p) => `${p.label} = ${spoken(p, state[p.name])}`).join(", ")}.`;
}

function prepare(model) {
  return { title: model.get("title"), params: model.get("params"), frames: model.get("frames") };
}
const compute = (state, { params, frames }) => frames[frameIndex(state, params)];

function build({ parent }) {
  const text = node("pre");
  const image = node("img", { style: "max-width: 100%; grid-column: span 12" });
  const box = { class: "scroll", tabindex: 0, role: "region", "aria-label": "Result" };
  parent.append(node("div", box, text), image);
  return { text, image };
}

function draw({ state, data, result, pictures: { text, image } }) {
  image.hidden = result.kind !== "png";
  text.parentNode.hidden = !image.hidden;
  if (image.hidden) text.textContent = result.data;
  else Object.assign(image, { src: `data:image/png;base64,${result.data}`, alt: summary(state, data) });
}

export default explorer({ title: "Computed beforehand", prepare, build, compute, draw, summary });
