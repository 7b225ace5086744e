"use strict";
// How fast the store answered, how much, and what watchers were told: along the same time.

class RatePlot {
  constructor(data, canvas) {
    this.data = data;
    this.panel = new Panel(canvas, 110, (...all) => this.paint(...all));
  }

  // Answers in each of about 150 stretches of the time on show.
  count(axis) {
    const { call, took, outcome } = this.data.operations;
    const wanted = (axis.end - axis.start) / 150;
    const step = niceStep(wanted);
    const first = Math.floor(axis.start / step);
    const counts = Array.from(
      { length: Math.floor(axis.end / step) - first + 1 }, () => [0, 0, 0, 0]);
    for (let place = 0; place < call.length; place++) {
      if (outcome[place] === 4) continue; // never answered
      const bucket = Math.floor((call[place] + took[place]) / step) - first;
      if (bucket >= 0 && bucket < counts.length) counts[bucket][outcome[place]]++;
    }
    return { step, first, counts };
  }

  paint(context, panel, axis, colours) {
    shadeFaults(context, panel, axis, colours, this.data.faults);
    drawGrid(context, panel, axis, colours);
    const { step, first, counts } = this.count(axis);
    const most = Math.max(1, ...counts.map((count) => count.reduce((a, b) => a + b)));
    const scale = (panel.height - 8) / most;
    context.save();
    clipToTime(context, panel);
    counts.forEach((count, place) => {
      const x = axis.x((first + place) * step, panel.width);
      const width = axis.x((first + place + 1) * step, panel.width) - x;
      let y = panel.height;
      count.forEach((number, outcome) => {
        context.fillStyle = colours.outcome[outcome];
        context.fillRect(x, y - number * scale, Math.max(0.6, width - 0.5), number * scale);
        y -= number * scale;
      });
    });
    context.restore();
    nameRow(context, colours, `${Math.round(most * 1e6 / step).toLocaleString("en")} /s`, 8);
    nameRow(context, colours, "0", panel.height - 7);
  }
}

function niceStep(wanted) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, wanted)));
  return power * [1, 2, 5, 10].find((each) => each * power >= wanted);
}

class LatencyPlot {
  constructor(data, canvas) {
    this.data = data;
    this.panel = new Panel(canvas, 150, (...all) => this.paint(...all));
    const { took, outcome } = data.operations;
    let most = 1000;
    let least = 1e6;
    for (let i = 0; i < took.length; i++) {
      if (outcome[i] === 4) continue;
      most = Math.max(most, took[i]);
      least = Math.min(least, Math.max(took[i], 10));
    }
    this.top = Math.log10(most * 1.2);
    this.bottom = Math.floor(Math.log10(Math.min(least, most / 10)));
    this.medians = this.percentiles();
  }

  // The median and the 99th of a hundred, for each two-hundredth of the run.
  percentiles() {
    const { call, took, outcome } = this.data.operations;
    const step = this.data.end / 200 || 1;
    const buckets = new Map();
    for (let place = 0; place < call.length; place++) {
      if (outcome[place] !== 0) continue;
      const bucket = Math.floor(call[place] / step);
      if (!buckets.has(bucket)) buckets.set(bucket, []);
      buckets.get(bucket).push(took[place]);
    }
    return [...buckets].sort((a, b) => a[0] - b[0]).map(([bucket, latencies]) => {
      latencies.sort((a, b) => a - b);
      const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
      return { time: (bucket + 0.5) * step, p50: at(0.5), p99: at(0.99), step };
    });
  }

  y(micros) {
    const share = (Math.log10(Math.max(10 ** this.bottom, micros)) - this.bottom) / (this.top - this.bottom);
    return this.panel.height - 4 - share * (this.panel.height - 10);
  }

  paint(context, panel, axis, colours) {
    shadeFaults(context, panel, axis, colours, this.data.faults);
    drawGrid(context, panel, axis, colours);
    for (const [micros, word] of [[10, "10 µs"], [100, "0.1 ms"], [1e3, "1 ms"], [1e4, "10 ms"], [1e5, "0.1 s"],
      [1e6, "1 s"], [1e7, "10 s"]]) {
      if (Math.log10(micros) < this.top && Math.log10(micros) >= this.bottom) nameRow(context, colours, word, this.y(micros) - 2);
    }
    context.save();
    clipToTime(context, panel);
    this.paintDots(context, panel, axis, colours);
    this.paintLine(context, panel, axis, colours.ink, "p50");
    this.paintLine(context, panel, axis, colours.bad, "p99");
    context.restore();
  }

  // One dot for all operations that share two pixels: what is under a dot would not be seen.
  paintDots(context, panel, axis, colours) {
    const { call, took, outcome } = this.data.operations;
    const columns = Math.ceil(panel.width / 2) + 1;
    const taken = new Uint8Array(columns * (panel.height + 2));
    const last = upperBound(call, axis.end);
    context.globalAlpha = 0.55;
    for (let place = upperBound(call, axis.start); place < last; place++) {
      if (outcome[place] === 4) continue;
      const x = axis.x(call[place], panel.width);
      const y = this.y(took[place]);
      const spot = (y >> 1) * columns + (x >> 1);
      if (taken[spot] > outcome[place]) continue;
      taken[spot] = outcome[place] + 1;
      context.fillStyle = colours.outcome[outcome[place]];
      context.fillRect(x - 1, y - 1, 2.4, 2.4);
    }
    context.globalAlpha = 1;
  }

  paintLine(context, panel, axis, colour, name) {
    context.strokeStyle = colour;
    context.lineWidth = 1.4;
    context.beginPath();
    let before = null;
    for (const each of this.medians) {
      const x = axis.x(each.time, panel.width);
      if (before !== null && each.time - before < each.step * 3) context.lineTo(x, this.y(each[name]));
      else context.moveTo(x, this.y(each[name]));
      before = each.time;
    }
    context.stroke();
  }
}

class WatchPlot {
  constructor(data, canvas) {
    this.data = data;
    this.panel = new Panel(canvas, 220, (...all) => this.paint(...all));
    this.suspects = new Set(data.conflicts.flatMap((each) => each.watchers));
    this.times = Float64Array.from(data.watch, (point) => point[0]);
    this.store = this.revisions();
  }

  // The newest revision that any answer had named, over time.
  revisions() {
    const { call, took, revision } = this.data.operations;
    const seen = [];
    for (let place = 0; place < call.length; place++) {
      if (revision[place]) seen.push([call[place] + took[place], revision[place]]);
    }
    seen.sort((a, b) => a[0] - b[0]);
    const line = [];
    for (const [time, each] of seen) {
      if (!line.length || each > line[line.length - 1][1]) line.push([time, each]);
    }
    return line;
  }

  // The lowest and the highest revision on show.
  bounds(axis) {
    let low = Infinity, high = -Infinity;
    const note = (time, revision) => {
      if (time < axis.start || time > axis.end || !revision) return;
      low = Math.min(low, revision);
      high = Math.max(high, revision);
    };
    for (const [time, revision] of this.store) note(time, revision);
    for (const [time, , kind, revision] of this.data.watch) if (kind === "events") note(time, revision);
    return low > high ? [0, 1] : [low, Math.max(high, low + 1)];
  }

  paint(context, panel, axis, colours) {
    shadeFaults(context, panel, axis, colours, this.data.faults);
    drawGrid(context, panel, axis, colours);
    const [low, high] = this.bounds(axis);
    const y = (revision) => panel.height - 18 - ((revision - low) / (high - low)) * (panel.height - 30);
    nameRow(context, colours, "rev. " + high, y(high));
    nameRow(context, colours, "rev. " + low, y(low));
    nameRow(context, colours, "ends", panel.height - 6);
    context.save();
    clipToTime(context, panel);
    context.strokeStyle = colours.soft;
    context.lineWidth = 1.5;
    context.beginPath();
    this.store.forEach(([time, revision], place) => {
      const x = axis.x(time, panel.width);
      if (place) context.lineTo(x, y(this.store[place - 1][1]));
      context.lineTo(x, y(revision));
    });
    context.stroke();
    for (const [time, watcher, kind, revision] of this.data.watch) {
      if (time < axis.start || time > axis.end) continue;
      const x = axis.x(time, panel.width);
      const isSuspect = this.suspects.has(watcher);
      if (kind === "events") {
        context.fillStyle = isSuspect ? colours.bad : colours.accent;
        context.globalAlpha = isSuspect ? 1 : 0.45;
        context.fillRect(x - 1.5, y(revision) - 1.5, isSuspect ? 5 : 3, isSuspect ? 5 : 3);
      } else if (kind === "canceled" || kind === "break") {
        context.fillStyle = kind === "canceled" ? colours.fail : colours.info;
        context.fillRect(x - 1, panel.height - 11, 2, 9);
      }
    }
    context.globalAlpha = 1;
    context.restore();
    for (const conflict of this.data.conflicts) markMoment(context, panel, axis, colours, conflict.at);
  }

  // The responses near these pixels, in words.
  at(x, y, axis) {
    const time = axis.timeAt(x, this.panel.width);
    const reach = axis.timeAt(x + 3, this.panel.width) - time;
    const [low, high] = this.bounds(axis);
    const yOf = (revision) =>
      this.panel.height - 18 - ((revision - low) / (high - low)) * (this.panel.height - 30);
    const found = [];
    for (let i = upperBound(this.times, time - reach); i < this.times.length; i++) {
      if (this.times[i] > time + reach || found.length > 7) break;
      const [, watcher, kind, revision, text] = this.data.watch[i];
      const isNear = kind === "events" ? Math.abs(yOf(revision) - y) < 6 : y > this.panel.height - 14;
      if (isNear && kind !== "create" && kind !== "progress") {
        found.push(`watcher ${watcher}: ${kind === "events" ? text + ", revision " + revision : kind + " " + text}`);
      }
    }
    return found;
  }
}
