"use strict";
// Puts the page together: one time axis, several drawings, search, keys.

const data = JSON.parse(document.getElementById("run-data").textContent);
const byId = (id) => document.getElementById(id);
const operations = data.operations;
const colours = new Colours();
const firstRole = Object.values(data.nodes).map((bars) => bars[0].start);
const axis = new TimeAxis(Math.min(0, ...firstRole), data.end);
const lanes = new Lanes(data, byId("lanes"));
const drawings = [lanes, new RatePlot(data, byId("rates")), new LatencyPlot(data, byId("latencies"))];
const watches = byId("watches") ? new WatchPlot(data, byId("watches")) : null;
if (watches) drawings.push(watches);

// ------------------------------------------------------------------ drawing
const frames = []; // how long each drawing of everything took, in milliseconds
let isAsked = false;

function redraw() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => {
    isAsked = false;
    const began = performance.now();
    for (const drawing of drawings) drawing.panel.draw(axis, colours);
    frames.push(performance.now() - began);
    if (frames.length > 1000) frames.shift();
    byId("shown").textContent = `${seconds(axis.start, 1e4)} to ${seconds(axis.end, 1e4)}`;
  });
}

function drawConflicts() {
  data.conflicts.forEach((conflict, place) => {
    const holder = byId("conflict-" + place);
    if (holder) drawConflict(conflict, holder, colours);
  });
}

function resize() {
  for (const drawing of drawings) drawing.panel.resize();
  drawConflicts();
  redraw();
}

axis.onChange(redraw);
new ResizeObserver(resize).observe(byId("history"));

// ------------------------------------------------------------------ what is under the pointer
function describe(place) {
  const end = operations.call[place] + operations.took[place];
  const when = `${seconds(operations.call[place], 1)} to ${seconds(end, 1)} (${duration(operations.took[place])})`;
  const node = operations.node_names[operations.node[place]];
  return `op ${operations.index[place]}, process ${operations.process[place]}${node ? " at " + node : ""}: ` +
    `${operations.asked[place]} → ${operations.answered[place]}; ` +
    `${OUTCOME_NAMES[operations.outcome[place]]}, ${when}`;
}

function wordsFor(found) {
  if (!found) return "";
  if (found.fault) {
    const lasted = found.fault.end - found.fault.start;
    return `fault ${found.fault.id}: ${found.fault.what}` +
      (lasted ? `; in force for ${duration(lasted)}` : "") + `; felt by ${found.fault.felt}`;
  }
  if (found.bar) {
    return `${found.node}: ${found.bar.role} of term ${found.bar.term}, ` +
      `${seconds(found.bar.start, 1)} to ${seconds(found.bar.end, 1)}`;
  }
  return describe(found.place);
}

function hint(event, words) {
  const box = byId("hint");
  box.hidden = !words;
  if (!words) return;
  box.textContent = words;
  const frame = byId("history").getBoundingClientRect();
  const x = event.clientX - frame.left;
  box.style.left = Math.min(x + 14, frame.width - box.offsetWidth - 8) + "px";
  box.style.top = event.clientY - frame.top + 18 + "px";
}

function select(place, { bring = false } = {}) {
  lanes.selected = place;
  byId("selected").textContent = place < 0 ? "" : describe(place);
  if (place >= 0 && bring) bringIntoView(place);
  redraw();
}

function bringIntoView(place) {
  const call = operations.call[place];
  const end = call + operations.took[place];
  if (call < axis.start || end > axis.end) {
    const span = Math.max(axis.end - axis.start, (end - call) * 1.5);
    axis.show((call + end - span) / 2, (call + end + span) / 2);
  }
}

// ------------------------------------------------------------------ pointer
let drag = null;

for (const drawing of drawings) {
  const canvas = drawing.panel.canvas;
  const place = (event) => event.clientX - canvas.getBoundingClientRect().left;
  canvas.addEventListener("wheel", (event) => {
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (!isSideways && !event.ctrlKey && !event.metaKey && document.activeElement !== byId("history")) return;
    event.preventDefault();
    if (isSideways) axis.pan(event.deltaX / drawing.panel.width);
    else axis.zoom(Math.exp(event.deltaY * 0.0025), axis.timeAt(place(event), drawing.panel.width));
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, start: axis.start, end: axis.end, moved: false };
    canvas.setPointerCapture(event.pointerId);
    byId("history").focus({ preventScroll: true });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const by = ((drag.x - event.clientX) / (drawing.panel.width - GUTTER)) * (drag.end - drag.start);
      drag.moved = drag.moved || Math.abs(drag.x - event.clientX) > 3;
      if (drag.moved) axis.show(drag.start + by, drag.end + by);
      return;
    }
    const y = event.clientY - canvas.getBoundingClientRect().top;
    if (drawing === lanes) hint(event, wordsFor(lanes.at(place(event), y, axis)));
    else if (drawing === watches) hint(event, watches.at(place(event), y, axis).join(" · "));
    else hint(event, seconds(axis.timeAt(place(event), drawing.panel.width), 1e3));
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved && drawing === lanes) {
      const found = lanes.at(place(event), event.clientY - canvas.getBoundingClientRect().top, axis);
      select(found && found.place !== undefined ? found.place : -1);
      if (found && !("place" in found)) byId("selected").textContent = wordsFor(found);
    }
    drag = null;
  });
  canvas.addEventListener("pointerleave", (event) => hint(event, ""));
  canvas.addEventListener("dblclick", (event) =>
    axis.zoom(0.4, axis.timeAt(place(event), drawing.panel.width)));
}

// ------------------------------------------------------------------ search
let found = [];
let at = -1;

function search() {
  found = findOperations(operations, byId("search").value);
  lanes.matches = new Set(found);
  at = -1;
  tellMatches();
  redraw();
}

function tellMatches() {
  const typed = byId("search").value.trim();
  byId("matches").textContent = !typed ? "" : at < 0
    ? `${found.length.toLocaleString("en")} found` : `${at + 1} of ${found.length.toLocaleString("en")}`;
}

function nextMatch(step) {
  if (!found.length) return;
  at = at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length;
  select(found[at], { bring: true });
  tellMatches();
}

byId("search").addEventListener("input", search);
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextMatch(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") byId("history").focus();
});

// ------------------------------------------------------------------ buttons and keys
function showConflict(place = 0) {
  const conflict = data.conflicts[place];
  if (!conflict) return;
  const times = conflict.operations.flatMap((op) => [op.call, op.end === null ? op.call : op.end]);
  if (conflict.at !== null) times.push(conflict.at);
  if (!times.length) return;
  axis.frame(Math.min(...times), Math.max(...times));
  byId("history").scrollIntoView({ block: "center" });
}

function setTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  recolour();
}

function recolour() {
  colours.read();
  drawConflicts();
  redraw();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

const actions = {
  "zoom-in": () => axis.zoom(0.5),
  "zoom-out": () => axis.zoom(2),
  fit: () => axis.fit(),
  left: () => axis.pan(-0.25),
  right: () => axis.pan(0.25),
  conflict: () => showConflict(),
  theme: setTheme,
  next: () => nextMatch(1),
  previous: () => nextMatch(-1),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do],[data-from],[data-conflict]");
  if (!button) return;
  if (button.dataset.do) actions[button.dataset.do]();
  else if (button.dataset.conflict) showConflict(Number(button.dataset.conflict));
  else {
    axis.frame(Number(button.dataset.from), Number(button.dataset.to));
    byId("history").scrollIntoView({ block: "center" });
  }
});

const keys = {
  "+": actions["zoom-in"], "=": actions["zoom-in"], "-": actions["zoom-out"], "0": actions.fit,
  ArrowLeft: actions.left, ArrowRight: actions.right, c: actions.conflict,
  n: actions.next, p: actions.previous, t: actions.theme,
  "]": () => select(lanes.neighbour(1, axis), { bring: true }),
  "[": () => select(lanes.neighbour(-1, axis), { bring: true }),
  "/": () => byId("search").focus(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const act = keys[event.key];
  const isArrow = event.key.startsWith("Arrow");
  if (!act || (isArrow && document.activeElement !== byId("history"))) return;
  event.preventDefault();
  act();
});

// For tests in a browser: what is shown, and how long drawing took.
window.quorateReport = { axis, lanes, frames, search, found: () => found };
