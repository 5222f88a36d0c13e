// Before anything is drawn: light or dark, which the theme's own script decides last and would draw the page twice
// for; and the fonts of the text, which a page that is opened as a file may not ask for by a link.
{
  const { dataset } = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (!["light", "dark"].includes(dataset.mode)) dataset.theme = system;
  for (const font of location.protocol === "file:" ? [] : ["source-serif-4", "source-sans-3"]) {
    const href = new URL(`../fonts/${font}.woff2`, document.currentScript.src);
    const told = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href };
    document.head.append(Object.assign(document.createElement("link"), told));
  }
}
