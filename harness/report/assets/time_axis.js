"use strict";
// The stretch of time that everything on the page shows, and how it moves.

const GUTTER = 92; // pixels for names, left of every drawing
const MARGIN = 10; // pixels right of it
const SPAN_MIN = 20; // microseconds

class TimeAxis {
  constructor(first, last) {
    this.first = Math.min(first, 0);
    this.last = Math.max(last, this.first + 1000);
    this.listeners = [];
    this.fit();
  }

  onChange(listener) {
    this.listeners.push(listener);
  }

  show(start, end) {
    const whole = this.last - this.first;
    const span = Math.min(Math.max(end - start, SPAN_MIN), whole);
    const middle = (start + end) / 2;
    this.start = Math.min(Math.max(middle - span / 2, this.first), this.last - span);
    this.end = this.start + span;
    for (const listener of this.listeners) listener();
  }

  fit() {
    this.show(this.last > 0 ? 0 : this.first, this.last);
  }

  zoom(factor, at = (this.start + this.end) / 2) {
    this.show(at - (at - this.start) * factor, at + (this.end - at) * factor);
  }

  pan(share) {
    const by = (this.end - this.start) * share;
    this.show(this.start + by, this.end + by);
  }

  // Show this stretch with some room around it.
  frame(start, end) {
    const room = Math.max((end - start) * 0.25, 2000);
    this.show(start - room, end + room);
  }

  x(time, width) {
    return GUTTER + ((time - this.start) / (this.end - this.start)) * (width - GUTTER - MARGIN);
  }

  timeAt(x, width) {
    return this.start + ((x - GUTTER) / (width - GUTTER - MARGIN)) * (this.end - this.start);
  }

  // Round moments, about one for every 110 pixels.
  ticks(width) {
    const wanted = (this.end - this.start) / Math.max(2, (width - GUTTER) / 110);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = power * [1, 2, 5, 10].find((each) => each * power >= wanted);
    const found = [];
    for (let at = Math.ceil(this.start / step) * step; at <= this.end; at += step) found.push(at);
    return { step, at: found };
  }
}

function seconds(time, step = 1) {
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step / 1e6))));
  return (time / 1e6).toFixed(digits) + " s";
}

function duration(micros) {
  if (micros >= 1e6) return (micros / 1e6).toFixed(2) + " s";
  if (micros >= 1000) return (micros / 1000).toFixed(micros >= 1e5 ? 0 : 1) + " ms";
  return micros + " µs";
}
