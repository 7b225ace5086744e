"use strict";
// The operations that contradict one another, drawn in their order: what overlaps in the drawing
// overlapped in the run. Distances mean nothing, or the moments would not be told apart.

const CONFLICT_ROW = 52;
const COLUMN_MIN = 92;

function svgElement(name, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

// The place of each moment, from left to right; operations without an end reach the last place.
function conflictColumns(operations) {
  const moments = operations.flatMap((op) => (op.end === null ? [op.call] : [op.call, op.end]));
  const sorted = [...new Set(moments)].sort((a, b) => a - b);
  return new Map(sorted.map((moment, place) => [moment, place]));
}

function drawConflict(conflict, holder, colours) {
  const { operations } = conflict;
  if (!operations.length) return;
  const columns = conflictColumns(operations);
  const processes = [...new Set(operations.map((op) => op.process))];
  const places = columns.size + 1.4;
  const room = Math.max(holder.clientWidth - GUTTER, 300);
  const column = Math.max(COLUMN_MIN, Math.min(260, room / places));
  const width = Math.floor(GUTTER + places * column);
  const svg = svgElement("svg", {
    width, height: processes.length * CONFLICT_ROW + 8, role: "img",
    "aria-label": `${operations.length} operations that contradict one another`,
  });
  processes.forEach((process, row) => {
    const y = row * CONFLICT_ROW + 34;
    svg.append(svgElement("text", { x: 0, y: y + 4, class: "who" }, "process " + process));
    svg.append(svgElement("line", { x1: GUTTER, x2: width, y1: y, y2: y, stroke: colours.rule }));
  });
  for (const op of operations) drawCoreOperation(svg, op, columns, processes, column, colours);
  holder.replaceChildren(svg);
}

function drawCoreOperation(svg, op, columns, processes, column, colours) {
  const y = processes.indexOf(op.process) * CONFLICT_ROW + 34;
  const x = GUTTER + columns.get(op.call) * column;
  const right = op.end === null ? GUTTER + (columns.size + 1.2) * column : GUTTER + columns.get(op.end) * column;
  const colour = op.part === "dies" ? colours.bad
    : op.part === "required" ? colours.accent : colours.soft;
  const opacity = op.end === null ? 0.25 : op.part === "supporting" ? 0.35 : 0.9;
  const group = svgElement("g", {});
  group.append(svgElement("title", {}, `op ${op.index} of process ${op.process} at ${op.node}: ` +
    `${op.asked} → ${op.answered}`));
  group.append(svgElement("rect", {
    x, y: y - 7, width: Math.max(8, right - x - 3), height: 14, rx: 4, fill: colour,
    "fill-opacity": opacity,
    ...(op.end === null ? { "stroke-dasharray": "4 3", stroke: colour } : {}),
  }));
  const room = Math.floor(Math.max(right - x, column * 1.5) / 7.3);
  const words = `${op.asked} → ${op.answered}`;
  group.append(svgElement("text", { x: x + 1, y: y - 13 },
    words.length > room ? words.slice(0, room - 1) + "…" : words));
  if (op.revision !== null) {
    const letters = opacity < 0.5 ? colours.ink : lettersOn(colour);
    group.append(svgElement("text", { x: x + 6, y: y + 4, style: `fill:${letters};font-size:10.5px` },
      "rev. " + op.revision));
  }
  svg.append(group);
}
