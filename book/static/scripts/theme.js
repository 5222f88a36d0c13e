// Before anything is drawn: light or dark, which the theme's own script decides last and would draw the page twice
// for; and the fonts of the text, which are in the style sheet: a font that comes after the first paint moves it all.
{
  const { dataset } = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (!["light", "dark"].includes(dataset.mode)) dataset.theme = system;
  for (const font of document.fonts) if (font.family.includes("Source")) font.load(); // the theme names more
}
