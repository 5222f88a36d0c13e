// Light or dark, before anything is drawn. The theme's own script decides it last, and would draw the page twice.
{
  const { dataset } = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (!["light", "dark"].includes(dataset.mode)) dataset.theme = system;
}
