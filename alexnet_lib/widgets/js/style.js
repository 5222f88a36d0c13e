// One style sheet for every widget. The colors come from the theme around it: pydata's variables in the
// page, JupyterLab's in a notebook; a shadow root keeps the theme's other rules out.
const STYLE = `
:host {
  display: block;
  --ink: var(--pst-color-text-base, var(--jp-ui-font-color1, #222));
  --quiet: var(--pst-color-text-muted, var(--jp-ui-font-color2, #555));
  --ground: var(--pst-color-background, var(--jp-layout-color0, #fff));
  --panel: var(--pst-color-surface, var(--jp-layout-color1, #f5f5f5));
  --line: var(--pst-color-border, var(--jp-border-color1, #bbb));
  --plus: #0072b2;
  --minus: #b34e00;
  --mark: #8a2a6b;
}
:host([data-dark]) { --plus: #56b4e9; --minus: #f0a040; --mark: #f39bd0; }
* { box-sizing: border-box; }
.widget { container-type: inline-size; color: var(--ink); background: var(--ground);
  font: 15px/1.4 var(--sans, system-ui), sans-serif; }
.body { display: grid; gap: 0.75rem; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px; }
.rail, .controls, .groups { display: grid; gap: 0.35rem; align-content: start; }
.row { display: grid; grid-template: "name value" auto "slider slider" auto / 1fr auto; column-gap: 0.6rem; align-items: baseline; }
.row label { grid-area: name; }
.row output { grid-area: value; text-align: right; }
.row input { grid-area: slider; }
.row output { font-variant-numeric: tabular-nums; color: var(--quiet); }
.row select { grid-area: slider; }
input[type=range] { width: 100%; height: 24px; margin: 0; accent-color: var(--plus); }
input[type=radio], input[type=checkbox] { flex: none; width: 18px; height: 18px; margin: 0; accent-color: var(--plus); }
select { width: 100%; min-height: 32px; font: inherit; color: var(--ink); background: var(--ground);
  border: 1px solid var(--quiet); border-radius: 4px; }
fieldset { min-width: 0; margin: 0; padding: 0; border: 0; }
legend { float: none; padding: 0; font-weight: 600; }
.option { display: flex; gap: 0.5rem; align-items: center; min-height: 28px; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
button { min-height: 32px; padding: 0.2rem 0.8rem; font: inherit; color: var(--ink); background: var(--panel);
  border: 1px solid var(--quiet); border-radius: 4px; cursor: pointer; }
:is(button, input, select):focus-visible { outline: 3px solid var(--plus); outline-offset: 2px; }
.pictures { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 0.75rem; }
figure { grid-column: span var(--columns, 12); margin: 0; min-width: 0; }
figcaption { position: relative; font-size: 0.85rem; color: var(--quiet); }
.under { position: absolute; inset: 0 0 auto auto; padding-left: 0.5rem; background: var(--ground); color: var(--ink);
  font-variant-numeric: tabular-nums; }
.under:empty { display: none; }
canvas { display: block; width: 100%; aspect-ratio: var(--aspect, 1); }
canvas.handle { cursor: crosshair; }
canvas.drag { touch-action: pan-y; }
.pictures > .own { grid-column: 1 / -1; }
.pictures.over { outline: 2px dashed var(--mark); outline-offset: 4px; }
.scroll { grid-column: span 12; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.5rem; text-align: left; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
p { margin: 0; }
.summary { font-weight: 600; }
.badge { font-size: 0.85rem; color: var(--quiet); }
.note { padding: 0.4rem 0.6rem; border-left: 4px solid var(--minus); background: var(--panel); }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
/* Hand beside eye: the controls in a rail at the left of the pictures; on a phone below them, with room for thumbs. */
@container (min-width: 40rem) {
  .body { grid-template-columns: 13.5rem minmax(0, 1fr); column-gap: 1.25rem; }
  .body > * { grid-column: 1 / -1; }
  .body > .rail { grid-column: 1; grid-row: 2; }
  .body > .pictures { grid-column: 2; grid-row: 2; align-content: start; }
}
@container (max-width: 36rem) {
  figure { grid-column: span var(--narrow, 12); }
  .option, .row select, button { min-height: 44px; }
  input[type=range] { height: 36px; }
}
`;
