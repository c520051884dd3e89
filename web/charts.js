// The time series as dygraphs, all over one axis of time, with one cursor.
import { latency, perSecond, share, bytes, count, timeOfDay } from "./text.js";
import { SPAN_MS, latestTelling } from "./model.js";

const micros = { format: latency, isLog: true };
const rate = { format: perSecond, most: 10 };  // of the axis while all is 0
const percent = { format: share, isShare: true };

// Lines differ in their pattern as well as in their colour.
const SOLID = null, DASHED = [7, 4], DOTTED = [2, 3], MIXED = [9, 3, 2, 3];

function percentiles(measure, part = point => point) {
  // No 0 on a logarithmic axis.
  const of = figure => point => part(point) ? part(point)[measure][figure] || null : null;
  return [
    { label: "p50", of: of("p50"), ink: "line2", pattern: SOLID },
    { label: "p99", of: of("p99"), ink: "line1", pattern: SOLID, width: 2 },
    { label: "p99.9", of: of("p999"), ink: "line4", pattern: DASHED },
    { label: "max", of: of("max"), ink: "line3", pattern: DOTTED },
  ];
}

/// Of what the store behind the cache says; null in a run without one.
const ofStore = read => point => point.store ? read(point.store) : null;

const total = figure => point => point.servers.some(server => server[figure] !== null)
  ? point.servers.reduce((sum, server) => sum + (server[figure] || 0), 0) : null;

/// A series for each server that any point has; the first six have a colour each.
function ofServers(points, figure) {
  const known = new Set(points.flatMap(point => point.servers.map(server => server.addr)));
  const patterns = [SOLID, DASHED, DOTTED, MIXED];
  const hosts = new Set([...known].map(addr => addr.slice(0, addr.lastIndexOf(":"))));
  return [...known].sort().map((addr, i) => ({
    label: hosts.size === 1 ? addr.slice(addr.lastIndexOf(":")) : addr,  // the host of all needs no saying
    of: point => {
      const server = point.servers.find(each => each.addr === addr);
      return server ? server[figure] : null;
    },
    ink: "line" + (1 + i % 6), pattern: patterns[Math.floor(i / 6) % 4] }));
}

const PANELS = [
  { id: "rate", title: "Rate against target", kind: rate, isLoad: true, series: () => [
    { label: "completed", of: point => point.completed, ink: "line1", pattern: SOLID, width: 2 },
    { label: "target", of: (point, run) => run && run.target || null, ink: "ink", pattern: DASHED },
    { label: "failed", of: point => point.failed, ink: "line3", pattern: DOTTED }] },
  { id: "response", title: "Response time", kind: micros, isLoad: true, series: () => percentiles("response") },
  { id: "service", title: "Service time", kind: micros, isLoad: true, series: () => percentiles("service") },
  { id: "lateness", title: "Lateness", kind: micros, isLoad: true, series: () => percentiles("lateness") },
  { id: "cpu", title: "Busy: generator, and each main thread", kind: percent, series: (points, isLoad) => [
    ...(isLoad ? [{ label: "generator", of: point => point.generator, ink: "ink", pattern: DASHED, width: 2 }] : []),
    ...ofServers(points, "cpu")] },
  { id: "cache", title: "Hits and misses", kind: rate, isLoad: true, series: () => [
    { label: "hits", of: point => point.hits, ink: "line2", pattern: SOLID },
    { label: "misses", of: point => point.misses, ink: "line3", pattern: DASHED }] },
  { id: "store", title: "Store: requests and outcomes", kind: rate, isLoad: true, isShown: run => run.store, series: () => [
    { label: "reads", of: ofStore(store => store.reads), ink: "line1", pattern: SOLID, width: 2 },
    { label: "writes", of: ofStore(store => store.writes), ink: "line4", pattern: MIXED },
    { label: "found", of: ofStore(store => store.found), ink: "line2", pattern: DASHED },
    { label: "missing", of: ofStore(store => store.missing), ink: "line5", pattern: DOTTED },
    { label: "failed", of: ofStore(store => store.failed), ink: "line3", pattern: SOLID },
    { label: "timed out", of: ofStore(store => store.timed_out), ink: "line3", pattern: DASHED },
    { label: "shed", of: ofStore(store => store.shed), ink: "line6", pattern: DOTTED, width: 2 }] },
  { id: "store-time", title: "Store: time of a read", kind: micros, isLoad: true, isShown: run => run.store,
    series: () => percentiles("read", point => point.store) },
  { id: "store-queue", title: "Store: waiting", kind: { format: count, most: 10 }, isLoad: true, isShown: run => run.store, series: () => [
    { label: "operations", of: ofStore(store => store.waiting), ink: "line1", pattern: SOLID },
    { label: "requests in its queue", of: ofStore(store => store.queue), ink: "line3", pattern: DASHED }] },
  { id: "keys", title: "Evictions and expiries", kind: rate, series: () => [
    { label: "evicted", of: total("evicted"), ink: "line3", pattern: SOLID },
    { label: "expired", of: total("expired"), ink: "line6", pattern: DASHED }] },
  { id: "memory", title: "Memory of each server", kind: { format: bytes, isBinary: true }, series: points => ofServers(points, "memory") },
  { id: "redirects", title: "Redirects and stale reads", kind: rate, isLoad: true,
    isShown: run => run.cluster || run.ledger, series: () => [
    { label: "MOVED", of: point => point.moved, ink: "line1", pattern: SOLID },
    { label: "ASK", of: point => point.ask, ink: "line2", pattern: DASHED },
    { label: "TRYAGAIN", of: point => point.tryagain, ink: "line5", pattern: MIXED },
    { label: "CLUSTERDOWN", of: point => point.clusterdown, ink: "line3", pattern: DOTTED },
    { label: "stale", of: point => point.stale, ink: "line4", pattern: DOTTED, width: 2 }] },
];

export function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/// Values 1, 2 and 5 of each decade from `low` to `high`, or the decades alone where two or more are seen.
export function logTicks(low, high) {
  const steps = high / low < 100 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high * 1.001; ++power)
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(2));
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  return ticks;
}

/// The nearest of 1, 2 and 5 of a decade that is not above `value`, or not below it.
function stepBeside(value, isUp) {
  const decade = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map(step => step * decade);
  return isUp ? steps.find(step => step >= value) : steps.findLast(step => step <= value);
}

/// Ticks of the time, but for one whose label would lie over that of the other axis's lowest tick.
function clearOfCorner(from, to, pixels, ...more) {
  return Dygraph.dateTicker(from, to, pixels, ...more).filter(tick => (tick.v - from) / (to - from) * pixels > 26);
}

const LEAST_S = 0.01;  // a drain without length has no rates

const LABEL_ROWS = 3, LABEL_GAP = 6;  // of faults; rows, pixels

/// Where the names of faults go, of which none lies over another: the row and the left edge of each, from the left; null: there is
/// no room for it. `wanted`: `x` and `width`, in order of x; `right`: where the plot ends.
export function labelPlaces(wanted, right) {
  const ends = Array(LABEL_ROWS).fill(-Infinity);
  return wanted.map(({ x, width }) => {
    const left = Math.min(x, right - width);
    const row = ends.findIndex(end => left >= end + LABEL_GAP);
    if (row < 0) return null;
    ends[row] = left + width;
    return { row, x: left };
  });
}

/// One row for each point, and an empty one between two runs, where lines break. `pointOf`: of each row.
function rowsOf(points, runs, series) {
  const rows = [], pointOf = [];
  let before = null;
  for (const point of points) {
    if (point.span_s < LEAST_S) continue;
    if (before && point.run !== before.run) {
      rows.push([new Date((before.at + point.at) / 2), ...series.map(() => null)]);
      pointOf.push(null);
    }
    rows.push([new Date(point.at), ...series.map(each => each.of(point, runs.get(point.run)))]);
    pointOf.push(point);
    before = point;
  }
  return { rows, pointOf };
}

class Panel {
  constructor(spec, charts) {
    this.spec = spec;
    this.charts = charts;
    this.figure = document.createElement("figure");
    this.figure.id = "chart-" + spec.id;
    const caption = this.figure.appendChild(document.createElement("figcaption"));
    const heading = caption.appendChild(document.createElement("h3"));
    heading.textContent = spec.title;
    this.legend = caption.appendChild(document.createElement("ul"));
    this.legend.className = "legend";
    this.place = this.figure.appendChild(document.createElement("div"));
    this.place.className = "plot";
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "group");
    this.place.setAttribute("aria-label", spec.title + ": chart; arrow keys move the cursor");
    this.place.addEventListener("keydown", event => charts.onKey(event, this));
    this.place.addEventListener("blur", () => charts.moveCursor(null));
    this.plot = null;
  }

  update(model, isLoad) {
    const points = model.points;
    this.series = this.spec.series(points, isLoad);
    Object.assign(this, rowsOf(points, model.runs, this.series));
    this.isEmpty = this.rows.every(row => row.slice(1).every(value => value === null));
    if (this.rows.length === 0) this.rows = [[new Date(), ...this.series.map(() => null)]];
    this.showLegend(this.restingRow());
  }

  /// The row whose values the legend has while there is no cursor.
  restingRow() {
    const at = this.pointOf.indexOf(this.charts.restsAt());
    return at < 0 ? this.rows.length - 1 : at;
  }

  draw(window) {
    if (this.isEmpty) return this.drawNothing();
    const options = {
      file: this.rows,
      labels: ["time", ...this.series.map(each => each.label)],
      colors: this.series.map(each => ink(each.ink)),
      series: Object.fromEntries(this.series.map(each => [each.label,
        { strokePattern: each.pattern, strokeWidth: each.width || 1.3 }])),
      dateWindow: window,
      valueRange: this.range(window),
      gridLineColor: ink("grid"),
      axisLineColor: ink("shade"),
    };
    if (this.plot) this.plot.updateOptions(options);
    else if (this.place.clientWidth > 0) this.create(options);
  }

  /// Without axes, which would have nothing to measure.
  drawNothing() {
    if (this.plot) this.plot.destroy();
    this.plot = null;
    this.place.classList.add("empty");
    this.place.textContent = "no data yet";
  }

  /// From 0 to above the largest value that is seen; a logarithmic axis from the step below the least to that above the largest.
  range(window) {
    const { isLog, isShare, most: mostOfNothing } = this.spec.kind;
    let least = Infinity, most = isShare ? 1 : 0;
    for (const row of this.rows)
      if (row[0] >= window[0] && row[0] <= window[1])
        for (let i = 1; i < row.length; ++i) {
          if (row[i] === null) continue;
          least = Math.min(least, row[i]);
          most = Math.max(most, row[i]);
        }
    if (isLog) return most > 0 ? [stepBeside(least / 1.1, false), stepBeside(most * 1.1, true)] : [1, 1e3];
    return [0, most > 0 ? most * 1.12 : mostOfNothing || 1];
  }

  create(options) {
    const { kind } = this.spec;
    const { file, ...rest } = options;
    // Without its handlers of touches, with which a phone could not scroll past a chart.
    this.place.classList.remove("empty");
    this.place.textContent = "";
    const { touchstart, touchmove, touchend, ...model } = Dygraph.defaultInteractionModel;
    this.plot = new Dygraph(this.place, file, {
      ...rest,
      logscale: Boolean(kind.isLog),
      labelsKMG2: Boolean(kind.isBinary),  // ticks at powers of 2
      interactionModel: model,
      legend: "never",
      connectSeparatedPoints: false,
      drawPoints: false,
      axisLabelFontSize: 12,
      axes: { y: { axisLabelWidth: 62, axisLabelFormatter: value => kind.format(value), pixelsPerLabel: 28,
                   ...(kind.isLog ? { ticker: (low, high) => logTicks(low, high).map(v => ({ v, label: kind.format(v) })) } : {}) },
              x: { pixelsPerLabel: 76, ticker: clearOfCorner, axisLabelFormatter: value => timeOfDay(value.getTime()) } },
      rightGap: 8,
      underlayCallback: (canvas, area, plot) => this.charts.drawBands(canvas, area, plot),
      highlightCallback: (event, x) => this.charts.moveCursor(x, this),
      unhighlightCallback: () => this.charts.moveCursor(null),
      zoomCallback: (from, to) => this.charts.onZoom(from, to),
    });
  }

  /// Values of the row in the legend.
  showLegend(row) {
    const values = this.rows[row];
    while (this.legend.children.length > this.series.length) this.legend.lastChild.remove();
    this.series.forEach((each, i) => {
      const item = this.legend.children[i] || this.legend.appendChild(newLegendItem());
      const [swatch, label, value] = item.children;
      swatch.style.borderTopColor = ink(each.ink);
      swatch.className = each.pattern === null ? "solid" : each.pattern === DOTTED ? "dotted" : "dashed";
      label.textContent = each.label;
      value.textContent = values[i + 1] === null ? "–" : this.spec.kind.format(values[i + 1]);
    });
  }

  textAt(row) {
    const values = this.rows[row];
    return this.series.map((each, i) => each.label + " " +
      (values[i + 1] === null ? "none" : this.spec.kind.format(values[i + 1]))).join(", ");
  }
}

function newLegendItem() {
  const item = document.createElement("li");
  for (const tag of ["i", "span", "b"]) item.appendChild(document.createElement(tag));
  item.firstChild.setAttribute("aria-hidden", "true");
  return item;
}

/// All charts of the page.
export class Charts {
  constructor(place, speak) {
    this.place = place;
    this.speak = speak;
    this.panels = PANELS.map(spec => new Panel(spec, this));
    for (const panel of this.panels) place.append(panel.figure);
    this.spanMs = SPAN_MS;
    this.held = null;  // a window that does not move with the time
    this.cursor = null;  // time of the row at the cursor
    this.onHold = () => {};
  }

  /// Puts the model's points into the charts; draw() shows them.
  update(model) {
    this.model = model;
    const runs = [...model.runs.values()];
    const isLoad = runs.length === 0 || runs.some(run => run.kind !== "chaos");
    for (const panel of this.panels) {
      const { spec } = panel;
      panel.isShown = (!spec.isLoad || isLoad) && (!spec.isShown || runs.some(spec.isShown));
      panel.figure.hidden = !panel.isShown;
      if (panel.isShown) panel.update(model, isLoad);
    }
  }

  /// The last minutes up to `now`, or what is held.
  window(now) {
    if (this.held) return this.held;
    const first = this.model && this.model.points.length ? this.model.points[0].at - 1e3 : now - 60e3;
    // A run that has just begun fills the width from its first minute on.
    const from = Math.max(now - this.spanMs, Math.min(first, now - 30e3));
    return [from, Math.max(now, from + 10e3)];
  }

  /// The point that legends show while there is no cursor; null: there is none.
  restsAt() {
    return latestTelling(this.model.points, this.held ? this.held[1] : Infinity) || latestTelling(this.model.points);
  }

  draw(now) {
    if (!this.model) return;
    this.drawnAt = now;
    const window = this.window(now);
    for (const panel of this.panels) if (panel.isShown) panel.draw(window);
    this.moveCursor(this.cursor);
  }

  hold(window) {
    this.held = window;
    this.onHold(window !== null);
  }

  onZoom(from, to) {
    const isWhole = from <= this.model.points[0].at && to >= this.model.points.at(-1).at;
    this.hold(isWhole ? null : [from, to]);
    this.draw(this.drawnAt);
  }

  /// The same moment in every chart; null: none.
  moveCursor(time, by = null) {
    if (this.isMoving) return;
    this.isMoving = true;
    this.cursor = time;
    for (const panel of this.panels) {
      if (!panel.isShown || !panel.plot) continue;
      const row = time === null ? panel.restingRow() : nearestRow(panel.rows, time);
      panel.showLegend(row);
      if (time === null) panel.plot.clearSelection();
      else if (panel !== by) panel.plot.setSelection(row);
    }
    this.isMoving = false;
    this.place.classList.toggle("read", time !== null);
  }

  onKey(event, panel) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (panel.isEmpty) return;
    const last = panel.rows.length - 1;
    const at = this.cursor === null ? panel.restingRow() : nearestRow(panel.rows, this.cursor);
    let row = null;
    if (step) row = Math.min(last, Math.max(0, at + (this.cursor === null ? 0 : step)));
    else if (event.key === "Home") row = 0;
    else if (event.key === "End") row = last;
    else if (event.key === "Escape") return this.moveCursor(null);
    else return;
    event.preventDefault();
    const time = panel.rows[row][0].getTime();
    this.moveCursor(time);
    this.speak(`${timeOfDay(time)}: ${panel.textAt(row)}`);
  }

  /// Behind the lines: the phases that do not count, faults, and where runs begin.
  drawBands(canvas, area, plot) {
    if (!this.model) return;
    const xOf = time => Math.min(area.x + area.w, Math.max(area.x, plot.toDomXCoord(time)));
    const band = (from, to, color) => {
      canvas.fillStyle = color;
      canvas.fillRect(xOf(from), area.y, Math.max(2, xOf(to) - xOf(from)), area.h);
    };
    const [from, to] = plot.xAxisRange();
    canvas.save();
    for (const run of this.model.runs.values()) {
      const begins = run.began + 1e3 * run.warmup_s;
      if (begins > from && run.began < to && run.warmup_s > 0) band(run.began, begins, ink("pale"));
    }
    const endOf = fault => fault.end === null ? Math.max(this.drawnAt, fault.begin) : fault.end;
    const seen = this.model.faults.filter(fault => endOf(fault) >= from && fault.begin <= to).sort((a, b) => a.begin - b.begin);
    for (const fault of seen) {
      band(fault.begin, endOf(fault), ink("fault"));
      canvas.fillStyle = ink("fault-edge");
      canvas.fillRect(xOf(fault.begin), area.y, 1, area.h);
    }
    canvas.font = "11px system-ui, sans-serif";
    canvas.textBaseline = "top";
    canvas.fillStyle = ink("fault-edge");
    const wanted = seen.map(fault => ({ x: xOf(fault.begin) + 4, width: canvas.measureText(fault.name).width }));
    labelPlaces(wanted, area.x + area.w).forEach((place, i) => {
      if (place) canvas.fillText(seen[i].name, place.x, area.y + 2 + 13 * place.row);
    });
    if (this.model.runs.size > 1)
      for (const run of this.model.runs.values())
        if (run.began > from && run.began < to) {
          canvas.fillStyle = ink("shade");
          canvas.fillRect(xOf(run.began), area.y, 1, area.h);
        }
    canvas.restore();
  }
}

function nearestRow(rows, time) {
  let low = 0, high = rows.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - rows[low - 1][0] < rows[low][0] - time ? low - 1 : low;
}
