(() => {
// What a cell says as a number: 13,190, 71 %, −0.35, 1.2k, 2 h 5 min; null where it says none.
function numberOf(text) {
  const plain = text.replace(/[\s\u00a0]+/g, " ").replaceAll("\u2212", "-").replaceAll(",", "").trim();
  const time = plain.match(/^(?:(\d+) h)? ?(?:(\d+) min)? ?(?:(\d+) s)?$/);
  if (plain && time) return 3600 * (time[1] ?? 0) + 60 * (time[2] ?? 0) + Number(time[3] ?? 0);
  const number = plain.match(/^[<±] ?|^/)[0].length;
  const parts = plain.slice(number).match(/^([-+]?\d*\.?\d+(?:e[-+]?\d+)?)([kMGTP](?![a-z]))?/i);
  if (!parts) return null;
  return parts[1] * ({ k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 }[parts[2]?.toLowerCase()] ?? 1);
}

// A heading becomes a button that sorts by its column: rising, falling, and as it was.
function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  if (original.length < 3) return;
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const before = heading.getAttribute("aria-sort");
      const after = { ascending: "descending", descending: null }[before] ?? (before ? null : "ascending");
      for (const other of headings) other.removeAttribute("aria-sort");
      if (after) heading.setAttribute("aria-sort", after);
      body.append(...(after ? sorted(original, column, after === "ascending" ? 1 : -1) : original));
    });
  });
}

// Cells without a value come last, whichever way it is sorted.
function sorted(rows, column, sign) {
  const texts = rows.map((row) => row.cells[column].textContent.trim());
  const numbers = texts.map(numberOf);
  const empty = texts.map((text) => text === "" || text === "\u2013");
  const numeric = numbers.every((number, n) => number !== null || empty[n]);
  const places = [...rows.keys()].sort((a, b) => {
    if (empty[a] || empty[b]) return empty[a] - empty[b] || a - b;
    const order = numeric ? numbers[a] - numbers[b] : texts[a].localeCompare(texts[b]);
    return sign * order || a - b;
  });
  return places.map((place) => rows[place]);
}

const REPORTS = document.querySelectorAll(".asymnas-report:not([data-made])");
for (const report of REPORTS) {
  report.dataset.made = "";
  report.querySelectorAll("table").forEach(makeSortable);
}

{% if plotly -%}
// Plotly is this page's own: what a page around it draws with stays as it is.
const theirs = window.Plotly;
const module = { exports: {} };
{{ plotly | safe }}
const Plotly = module.exports;
if (theirs) window.Plotly = theirs; else delete window.Plotly;
const measured = document.getElementById("js-plotly-tester");

const dark = matchMedia("(prefers-color-scheme: dark)");
const coarse = matchMedia("(pointer: coarse)");
const SWAPS = {{ swaps | tojson }}; // light colour: dark colour
const PRINT_WIDTH = 660;

function recolour(node) {
  if (typeof node === "string") return SWAPS[node] ?? node;
  if (Array.isArray(node)) return node.map(recolour);
  if (node === null || typeof node !== "object") return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, recolour(value)]));
}

// Draws every figure in the colours of the reader's scheme, and anew for the other and for print.
function drawAll(plots, forPrint) {
  for (const plot of plots) {
    const figure = JSON.parse(plot.nextElementSibling.textContent);
    const { data, layout } = dark.matches && !forPrint ? recolour(figure) : figure;
    if (forPrint) layout.width = PRINT_WIDTH;
    // On a touch screen a drag scrolls the page; a tap shows a point.
    layout.dragmode = coarse.matches ? false : "zoom";
    Plotly.react(plot, data, layout, { displayModeBar: false, responsive: true });
  }
}

for (const report of REPORTS) {
  const plots = report.querySelectorAll(".plot");
  for (const plot of plots) plot.replaceChildren();
  drawAll(plots, false);
  dark.addEventListener("change", () => drawAll(plots, false));
  addEventListener("beforeprint", () => drawAll(plots, true));
  addEventListener("afterprint", () => drawAll(plots, false));
}
// What text is measured with goes into the report, so that nothing is left beside it.
const tester = document.getElementById("js-plotly-tester");
if (tester && !measured && REPORTS.length) REPORTS[0].append(tester);
{%- endif %}
})();
