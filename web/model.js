// What is known, from the events of /events (docs/live-page.md). No DOM in here.

export const SPAN_MS = 600e3;  // of the time series, as the server keeps them

export function emptyModel() {
  return {
    hello: null, run: null, summary: null, heat: null, lab: null, isOver: false,
    points: [],  // of all runs, oldest first
    runs: new Map(),  // by number: those that points are of
    faults: [],  // oldest first: begin, end (null: under way), name, node, detail
    done: [],  // runs of a lab, oldest first
    heardAt: 0,  // the latest time that the server told
  };
}

function addPoint(model, point) {
  model.points.push(point);
  model.heardAt = Math.max(model.heardAt, point.at);
  const oldest = point.at - SPAN_MS;
  let old = 0;
  while (model.points[old].at < oldest) ++old;
  model.points.splice(0, old);
  model.faults = model.faults.filter(fault => fault.end === null || fault.end >= oldest);
}

function beginRun(model, run) {
  model.run = run;
  model.runs.set(run.run, run);
  model.summary = model.heat = null;
  model.isOver = false;
  // A fault of an earlier run whose end was never told is not under way.
  for (const fault of model.faults) if (fault.end === null) fault.end = run.began;
  model.heardAt = Math.max(model.heardAt, run.began);
}

function addFault(model, event) {
  const open = model.faults.findLast(fault =>
    fault.end === null && fault.name === event.name && fault.run === event.run);
  if (event.phase === "begin") {
    model.faults.push({ begin: event.at, end: null, name: event.name, node: event.node, detail: "",
                        run: event.run });
  } else if (event.phase === "end" && open) {
    open.end = event.at;
    open.detail = event.detail;
    open.node = event.node || open.node;
  }
  model.heardAt = Math.max(model.heardAt, event.at);
}

/// Takes one event in.
export function apply(model, name, data) {
  if (name === "hello") model.hello = data;
  else if (name === "run") beginRun(model, data);
  else if (name === "point") addPoint(model, data);
  else if (name === "summary" && model.run && data.run === model.run.run) model.summary = data;
  else if (name === "slots" && model.run && data.run === model.run.run) model.heat = data.heat;
  else if (name === "fault") addFault(model, data);
  else if (name === "lab") model.lab = data;
  else if (name === "done") model.done.push(data);
  else if (name === "bye") model.isOver = true;
}

/// Where the run is at `now`: its phase and what is left of it, seconds; null: not known.
export function progressOf(model, now) {
  const { run, summary } = model;
  if (!run) return { phase: "waiting", done: 0, left: null };
  if (summary && summary.final) return { phase: "ended", done: 1, left: 0 };
  if (run.kind === "chaos") return { phase: "fault", done: null, left: null };
  const elapsed = (now - run.began) / 1e3;
  const total = run.warmup_s + run.duration_s;
  const lastPoint = model.points.at(-1);
  const isDraining = lastPoint && lastPoint.run === run.run && lastPoint.phase === "drain";
  if (elapsed < 0) return { phase: "starting", done: 0, left: total };
  if (elapsed < run.warmup_s) return { phase: "warm-up", done: elapsed / total, left: total - elapsed };
  if (isDraining || elapsed >= total) return { phase: "drain", done: 1, left: 0 };
  return { phase: "measuring", done: elapsed / total, left: total - elapsed };
}

/// Faults that are under way.
export function activeFaults(model) {
  return model.faults.filter(fault => fault.end === null);
}

const FULL_S = 0.45;  // less is the rest of a phase, whose rates and percentiles are of a few operations

/// The latest point up to a time that tells how its run goes: of a full interval, and not of the drain, whatever came behind it.
export function latestTelling(points, upTo = Infinity) {
  const last = points.findLast(point => point.at <= upTo);
  const ofRun = points.filter(point => last && point.run === last.run && point.at <= upTo);
  return ofRun.findLast(point => point.phase !== "drain" && point.span_s >= FULL_S) ||
    ofRun.findLast(point => point.phase !== "drain") || last || null;
}

/// The latest figures of each server, which their totals do not have.
export function latestServers(model) {
  const last = latestTelling(model.points);
  return last && model.run && last.run === model.run.run ? last.servers : [];
}
