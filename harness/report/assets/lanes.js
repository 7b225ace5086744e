"use strict";
// The whole history: faults, the roles of nodes, and a row of operations for each client.

const ROW = 15;
const FAULT_ROW = 13;
const TOP = 18; // for the labels of the axis

class Lanes {
  constructor(data, canvas) {
    this.data = data;
    this.nodes = Object.entries(data.nodes);
    this.rows = this.sortIntoRows(data.operations);
    this.stackFaults(data.faults);
    this.core = new Set(data.conflicts.flatMap((each) => each.operations.map((op) => op.index)));
    this.matches = new Set();
    this.selected = -1;
    this.faultsTop = TOP + 2;
    this.nodesTop = this.faultsTop + this.faultRows * FAULT_ROW + 6;
    this.rowsTop = this.nodesTop + this.nodes.length * ROW + 8;
    const height = this.rowsTop + Math.max(1, data.operations.lane_count) * ROW + 4;
    this.panel = new Panel(canvas, height, (...all) => this.paint(...all));
  }

  // Operations by row; in a row they follow one another, so the rows are sorted by time.
  sortIntoRows(operations) {
    const places = Array.from({ length: operations.lane_count }, () => []);
    operations.lane.forEach((lane, place) => places[lane].push(place));
    return places.map((row) => ({
      places: Uint32Array.from(row),
      calls: Float64Array.from(row, (place) => operations.call[place]),
    }));
  }

  // Faults in as few rows as keep them apart, and no more than eight.
  stackFaults(faults) {
    const ends = [];
    for (const fault of faults) {
      let row = ends.findIndex((end) => end <= fault.start);
      if (row < 0) row = ends.length < 8 ? ends.length : 7;
      ends[row] = Math.max(fault.end, fault.start + this.data.end / 60);
      fault.row = row;
    }
    this.faultRows = Math.max(1, ends.length);
  }

  paint(context, panel, axis, colours) {
    shadeFaults(context, panel, axis, colours, this.data.faults);
    drawGrid(context, panel, axis, colours, { labels: true });
    this.paintNames(context, colours);
    context.save();
    clipToTime(context, panel);
    this.paintFaults(context, panel, axis, colours);
    this.paintNodes(context, panel, axis, colours);
    this.rows.forEach((row, number) => this.paintRow(context, panel, axis, colours, row, number));
    context.restore();
    for (const conflict of this.data.conflicts) {
      markMoment(context, panel, axis, colours, conflict.at);
    }
  }

  paintNames(context, colours) {
    if (this.data.faults.length) nameRow(context, colours, "faults", this.faultsTop + 6);
    this.nodes.forEach(([node], place) =>
      nameRow(context, colours, node, this.nodesTop + place * ROW + ROW / 2));
    const every = this.rows.length > 40 ? 5 : 1;
    for (let number = 0; number < this.rows.length; number += every) {
      nameRow(context, colours, "client " + number, this.rowsTop + number * ROW + ROW / 2);
    }
  }

  paintFaults(context, panel, axis, colours) {
    context.textAlign = "left";
    for (const fault of this.data.faults) {
      if (fault.end < axis.start || fault.start > axis.end) continue;
      const x = axis.x(fault.start, panel.width);
      const width = Math.max(2, axis.x(fault.end, panel.width) - x);
      const y = this.faultsTop + fault.row * FAULT_ROW;
      context.fillStyle = colours["fault-edge"];
      context.fillRect(x, y, width, FAULT_ROW - 2);
      context.fillStyle = colours.ink;
      const from = Math.max(x, GUTTER) + 3;
      context.fillText(fitting(fault.what, x + width - from), from, y + 6);
    }
  }

  paintNodes(context, panel, axis, colours) {
    context.textAlign = "left";
    this.nodes.forEach(([, bars], place) => {
      const y = this.nodesTop + place * ROW;
      for (const bar of bars) {
        if (bar.end < axis.start || bar.start > axis.end) continue;
        const x = axis.x(bar.start, panel.width);
        const width = Math.max(1, axis.x(bar.end, panel.width) - x);
        const role = bar.role === "pre-candidate" ? "candidate" : bar.role;
        context.fillStyle = colours[role] || colours.follower;
        context.fillRect(x, y + 1, width, ROW - 3);
        const from = Math.max(x, GUTTER) + 4;
        const word = bar.role === "down" ? "down" : `${bar.role} of term ${bar.term}`;
        context.fillStyle = lettersOn(colours[role] || colours.follower);
        context.fillText(fitting(word, x + width - from - 4), from, y + ROW / 2);
      }
    });
  }

  paintRow(context, panel, axis, colours, row, number) {
    const { call, took, outcome, asked, answered, index } = this.data.operations;
    const y = this.rowsTop + number * ROW + 2;
    const { places, calls } = row;
    let painted = -1; // the last pixel that has been painted, and how badly
    let worst = -1;
    for (let i = Math.max(0, upperBound(calls, axis.start) - 1); i < places.length; i++) {
      if (calls[i] > axis.end) break;
      const place = places[i];
      const x = axis.x(call[place], panel.width);
      const right = axis.x(call[place] + took[place], panel.width);
      const isMarked = this.isMarked(place, index[place]);
      if (right <= painted && outcome[place] <= worst && !isMarked) continue;
      if (right > painted + 1) worst = -1;
      const width = Math.max(1, right - x - 0.5);
      context.fillStyle = colours.outcome[outcome[place]];
      context.fillRect(x, y, width, ROW - 4);
      painted = Math.max(painted, Math.floor(x + width));
      worst = Math.max(worst, outcome[place]);
      if (width > 34) {
        context.textAlign = "left";
        context.fillStyle = lettersOn(colours.outcome[outcome[place]]);
        const from = Math.max(x, GUTTER) + 3;
        const words = `${asked[place]} → ${answered[place]}`;
        context.fillText(fitting(words, x + width - from), from, y + (ROW - 4) / 2);
      }
      if (isMarked) this.mark(context, colours, place, index[place], x, y, width);
    }
  }

  isMarked(place, index) {
    return this.core.has(index) || place === this.selected || this.matches.has(place);
  }

  mark(context, colours, place, index, x, y, width) {
    context.lineWidth = 2;
    context.strokeStyle = this.core.has(index)
      ? colours.bad
      : place === this.selected ? colours.ink : colours.match;
    context.strokeRect(x - 1, y - 1, Math.max(4, width + 2), ROW - 2);
  }

  // What is drawn at these pixels: {place} of an operation, {fault}, {node, bar}, or null.
  at(x, y, axis) {
    const time = axis.timeAt(x, this.panel.width);
    const reach = axis.timeAt(x + 3, this.panel.width) - time;
    if (x < GUTTER) return null;
    if (y >= this.rowsTop) return this.operationAt(Math.floor((y - this.rowsTop) / ROW), time, reach);
    if (y >= this.nodesTop) {
      const found = this.nodes[Math.floor((y - this.nodesTop) / ROW)];
      const bar = found && found[1].find((each) => each.start <= time && time <= each.end);
      return bar ? { node: found[0], bar } : null;
    }
    const faultRow = Math.floor((y - this.faultsTop) / FAULT_ROW);
    const fault = this.data.faults.find((each) =>
      each.row === faultRow && each.start - reach <= time && time <= each.end + reach);
    return fault ? { fault } : null;
  }

  operationAt(number, time, reach) {
    const row = this.rows[number];
    if (!row) return null;
    const { took } = this.data.operations;
    const next = upperBound(row.calls, time + reach);
    for (let i = next - 1; i >= Math.max(0, next - 3); i--) {
      const place = row.places[i];
      if (row.calls[i] + took[place] + reach >= time) return { place };
    }
    return null;
  }

  // The operation before or after the selected one in its row; the first on show, if none is.
  neighbour(step, axis) {
    const { call, lane } = this.data.operations;
    if (this.selected < 0) {
      const first = call.findIndex((time) => time >= axis.start);
      return first < 0 ? 0 : first;
    }
    const places = this.rows[lane[this.selected]].places;
    const found = places.indexOf(this.selected) + step;
    return places[Math.min(Math.max(found, 0), places.length - 1)];
  }
}
