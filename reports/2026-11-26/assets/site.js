"use strict";
// Tables that sort and can be searched, curves that can be asked. Without this file the pages say the same.

const key = (row, column) => {
  const value = row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
  return value !== "" && Number.isFinite(Number(value)) ? Number(value) : value.toLowerCase();
};

const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);

function sortable(table) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const rows = [...body.rows].map((row, place) => ({ row, place, value: key(row, column) }));
      rows.sort((a, b) => (rising ? 1 : -1) * compare(a.value, b.value) || a.place - b.place);
      body.append(...rows.map((one) => one.row));
    });
  });
}

function searchable(box) {
  const input = box.querySelector("input");
  const count = box.querySelector("output");
  const rows = [...document.getElementById(input.getAttribute("aria-controls")).tBodies[0].rows];
  const look = () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length} shown`;
  };
  box.hidden = false;
  input.addEventListener("input", look);
  look();
}

const percent = (p) => `${(100 * p).toFixed(1)} %`;

function drawable(figure) {
  const table = document.getElementById(figure.dataset.table);
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.dataset.v));
  const shown = rows.filter((row) => Number(row[1]) <= Number(figure.dataset.days));
  const column = (n) => shown.map((row) => (row[n] ? Number(row[n]) : null));
  const data = [shown.map((row) => Date.parse(`${row[0]}T00:00:00Z`) / 1000), column(2), column(3), column(4)];
  const place = document.createElement("div");
  const said = document.createElement("output");
  place.className = "chart";
  place.tabIndex = 0;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "Curve: hover a day, or move with the arrow keys, to read P below");
  figure.prepend(place, said);
  figure.classList.add("drawn");

  const tell = (plot) => {
    const n = plot.cursor.idx;
    if (n === null || n === undefined) return;
    const [day, days, p, low, high] = shown[n];
    const after = Number(days);
    const band = low ? ` (90 %: ${percent(low)} to ${percent(high)})` : "";
    said.textContent = `${day}, day ${after}: P(open) ${percent(p)}${band}`;
    said.dataset.day = after;
    said.dataset.p = p;
  };

  const marks = JSON.parse(figure.dataset.marks).map(([day, name]) => [Date.parse(`${day}T00:00:00Z`) / 1000, name]);
  const mark = (plot) => {
    const { ctx, bbox } = plot;
    const style = getComputedStyle(document.documentElement);
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = style.getPropertyValue("--quiet");
    ctx.textAlign = "left";
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    marks.forEach(([at, name], n) => {
      if (at < data[0][0] || at > data[0].at(-1)) return;
      const x = plot.valToPos(at, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillText(name, x + 4 * devicePixelRatio, bbox.top + (14 + 16 * n) * devicePixelRatio);
    });
    ctx.restore();
  };

  let plot;
  const draw = () => {
    const at = plot?.cursor.idx;
    plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--quiet");
    const blue = style.getPropertyValue("--blue");
    const axis = { stroke: ink, grid: { stroke: style.getPropertyValue("--line"), width: 1 }, ticks: { stroke: ink } };
    const top = Math.min(1, Math.max(0.05, ...data.slice(1).flat()) * 1.05);
    const edge = { stroke: "transparent", points: { show: false } };
    plot = new uPlot({
      width: place.clientWidth,
      height: Math.round(Math.min(340, Math.max(220, place.clientWidth / 2))),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: { y: { range: [0, top] } },
      axes: [axis, { ...axis, size: 60, values: (_, ticks) => ticks.map((p) => `${Math.round(1000 * p) / 10} %`) }],
      series: [{}, { stroke: blue, width: 2, points: { show: false } }, edge, edge],
      bands: [{ series: [3, 2], fill: `${blue.trim()}2e` }],
      cursor: { y: false, drag: { x: false, y: false } },
      hooks: { setCursor: [tell], draw: [mark] },
    }, data, place);
    if (at !== null && at !== undefined) move(at);
  };
  const move = (n) => plot.setCursor({ left: plot.valToPos(data[0][n], "x"), top: 0 });

  place.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageUp: -30, PageDown: 30 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? shown.length - 1 : (plot.cursor.idx ?? 0) + (step ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    move(Math.min(Math.max(to, 0), shown.length - 1));
  });
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => {
    if (place.clientWidth && place.clientWidth !== plot.width) draw();
  }).observe(place);
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".find").forEach(searchable);
document.querySelectorAll("figure[data-table]").forEach(drawable);
