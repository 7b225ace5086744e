"use strict";
// A canvas along the time axis: sharp on every screen, with faults shaded and moments marked.

class Colours {
  constructor() {
    this.read();
  }

  read() {
    const style = getComputedStyle(document.documentElement);
    this.of = (name) => style.getPropertyValue("--" + name).trim();
    for (const name of ["ink", "soft", "rule", "card", "ok", "no", "fail", "info", "bad", "fault", "accent",
      "fault-edge", "leader", "candidate", "follower", "down", "match", "ground"]) {
      this[name] = this.of(name);
    }
    this.outcome = [this.ok, this.no, this.fail, this.info, this.info];
  }
}

// Black or white, whichever stands out more on a colour such as #4f9a82 (WCAG 2, relative luminance).
const lettersOn = (() => {
  const known = new Map();
  const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return (colour) => {
    if (!known.has(colour)) {
      const [red, green, blue] = [1, 3, 5].map((at) => linear(parseInt(colour.slice(at, at + 2), 16) / 255));
      known.set(colour, 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.197 ? "#14171a" : "#fff");
    }
    return known.get(colour);
  };
})();

class Panel {
  // `height` may be a function of nothing; `paint(context, panel)` draws into `panel.width` pixels.
  constructor(canvas, height, paint) {
    this.canvas = canvas;
    this.height = height;
    this.paint = paint;
    this.context = canvas.getContext("2d");
  }

  resize() {
    this.width = this.canvas.parentElement.clientWidth;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.height = this.height + "px";
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  draw(axis, colours) {
    this.context.clearRect(0, 0, this.width, this.height);
    this.context.font = "11px system-ui, 'DejaVu Sans', sans-serif";
    this.context.textBaseline = "middle";
    this.paint(this.context, this, axis, colours);
  }
}

function drawGrid(context, panel, axis, colours, { labels = false } = {}) {
  const { step, at } = axis.ticks(panel.width);
  context.lineWidth = 1;
  context.strokeStyle = colours.rule;
  context.fillStyle = colours.soft;
  context.textAlign = "center";
  context.beginPath();
  for (const time of at) {
    const x = Math.round(axis.x(time, panel.width)) + 0.5;
    context.moveTo(x, labels ? 16 : 0);
    context.lineTo(x, panel.height);
    if (labels) context.fillText(seconds(time, step), Math.min(x, panel.width - 30), 8);
  }
  context.stroke();
}

function clipToTime(context, panel) {
  context.beginPath();
  context.rect(GUTTER, 0, panel.width - GUTTER, panel.height);
  context.clip();
}

function shadeFaults(context, panel, axis, colours, faults) {
  context.save();
  clipToTime(context, panel);
  context.fillStyle = colours.fault;
  for (const fault of faults) {
    if (fault.end < axis.start || fault.start > axis.end) continue;
    const x = axis.x(fault.start, panel.width);
    context.fillRect(x, 0, Math.max(1, axis.x(fault.end, panel.width) - x), panel.height);
  }
  context.restore();
}

function markMoment(context, panel, axis, colours, time) {
  if (time === null || time < axis.start || time > axis.end) return;
  const x = Math.round(axis.x(time, panel.width)) + 0.5;
  context.save();
  context.strokeStyle = colours.bad;
  context.lineWidth = 1.5;
  context.setLineDash([4, 3]);
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, panel.height);
  context.stroke();
  context.restore();
}

function nameRow(context, colours, text, y) {
  context.textAlign = "right";
  context.fillStyle = colours.soft;
  context.fillText(text, GUTTER - 8, y);
}

// As much of `text` as fits into `room` pixels, at 6.2 a letter; nothing if that is not a word.
function fitting(text, room) {
  const letters = Math.floor(room / 6.2);
  if (letters < 4) return "";
  return text.length <= letters ? text : text.slice(0, letters - 1) + "…";
}

// The first place whose value is greater than `wanted`, in rising `values`.
function upperBound(values, wanted, low = 0, high = values.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
