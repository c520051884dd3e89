// The live page: listens to /events, and shows what is known.
import { activeFaults, apply, emptyModel, latestServers, progressOf } from "./model.js";
import { Charts } from "./charts.js";
import { SlotMap } from "./slots.js";
import { bytes, count, duration, latency, perSecond, share, timeOfDay } from "./text.js";

const $ = id => document.getElementById(id);
const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

let model = emptyModel();
let instance = "", lastId = "";
let connection = "connecting";
let clockAhead = 0;  // the server's clock less this one's, milliseconds

const charts = new Charts($("charts"), text => { $("reading").textContent = text; });
const slots = new SlotMap($("heat"), $("heat-reading"), $("heat-scale"));

// ---- The connection. A browser opens a lost stream again by itself and says which event it had
// last; a stream that was refused is opened by open().

const EVENTS = ["hello", "run", "point", "summary", "slots", "fault", "lab", "done", "bye"];

function receive(event) {
  const from = event.lastEventId.slice(0, event.lastEventId.lastIndexOf("-"));
  if (from !== instance) {
    instance = from;  // another process, whose numbers begin anew
    model = emptyModel();
  }
  lastId = event.lastEventId;
  apply(model, event.type, JSON.parse(event.data));
  if (event.type === "point") clockAhead = model.heardAt - Date.now();
  if (event.type === "bye") connect("over");
  schedule();
}

function connect(state) {
  if (connection === state) return;
  connection = state;
  schedule();
}

function open() {
  const source = new EventSource("/events" + (lastId ? "?after=" + encodeURIComponent(lastId) : ""));
  source.onopen = () => connect("live");
  source.onerror = () => {
    if (connection !== "over") connect("lost");
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(open, 3000);
  };
  for (const name of EVENTS) source.addEventListener(name, receive);
}

// ---- What is shown.

const now = () => Date.now() + clockAhead;

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// A list of elements made of `items`, those that are there reused.
function fill(parent, items, make, show) {
  while (parent.children.length > items.length) parent.lastChild.remove();
  items.forEach((item, i) => show(parent.children[i] || parent.appendChild(make()), item));
}

function element(tag, ...children) {
  const made = document.createElement(tag);
  made.append(...children);
  return made;
}

function row(cells, texts = []) {
  const made = element("tr");
  for (let i = 0; i < cells; ++i) {
    const cell = made.appendChild(element(i === 0 ? "th" : "td"));
    if (i === 0) cell.scope = "row";
    if (texts.includes(i)) cell.className = "text";
  }
  return made;
}

function setCells(made, texts) {
  texts.forEach((text, i) => setText(made.children[i], text));
}

/// Where a row is a card, each cell says what it is.
function nameCells(made, table) {
  [...made.children].forEach((cell, i) => {
    const name = table.tHead.rows[0].children[i].textContent;
    if (cell.dataset.name !== name) cell.dataset.name = name;
  });
}

const CONNECTION_TEXT = { connecting: "connecting", live: "live", lost: "connection lost, trying again",
                          over: "ended" };
const PHASE_TEXT = { waiting: "Waiting for a run", starting: "Starting", "warm-up": "Warm-up", measuring: "Measuring",
                     drain: "Waiting for outstanding operations", ended: "Ended", fault: "Fault" };

function whereText(progress) {
  const { run } = model;
  if (!run) return "";
  const parts = [PHASE_TEXT[progress.phase]];
  if (["warm-up", "measuring"].includes(progress.phase) && connection === "live")
    parts.push(`about ${duration(progress.left)} left`);
  if (run.kind !== "chaos")
    parts.push(run.closed ? "as fast as replies allow" : `target ${perSecond(run.target)}`,
               `${duration(run.duration_s)} after ${duration(run.warmup_s)} of warm-up`);
  parts.push(`began ${timeOfDay(run.began)}`);
  const faults = activeFaults(model);
  if (faults.length > 0) parts.push("under way: " + faults.map(faultName).join(", "));
  return parts.join(" · ");
}

function labText() {
  const { lab } = model;
  const parts = lab.experiments;
  if (lab.experiment === 0) return `${parts.length} experiments, none begun`;
  const current = parts[lab.experiment - 1];
  const left = Math.max(0, lab.left_s - (now() - lab.at) / 1e3);
  return `Experiment ${lab.experiment} of ${parts.length}, ${current.name}` +
    (lab.runs ? `: run ${lab.run} of ${lab.runs}` : "") + (lab.activity ? `, ${lab.activity}` : "") +
    (connection === "live" ? ` · about ${duration(left)} left of the lab` : "");
}

function showHeader() {
  const progress = progressOf(model, now());
  const title = model.run ? model.run.title || model.run.name
                          : connection === "lost" ? "No connection" : "Waiting for a run";
  setText($("title"), title);
  setText($("kind"), model.hello ? model.hello.kind : "");
  document.title = `${title} · ${PHASE_TEXT[progress.phase]} · redline`;
  setText($("where"), whereText(progress));
  $("lab-where").hidden = !model.lab;
  if (model.lab) setText($("lab-where"), labText());
  $("progress").hidden = !model.run || progress.done === null;
  $("progress").value = progress.done || 0;
  const quiet = (now() - model.heardAt) / 1e3;
  const isQuiet = connection === "live" && ["warm-up", "measuring"].includes(progress.phase) && quiet > 5;
  $("connection").dataset.state = isQuiet ? "lost" : connection;
  setText($("connection"), isQuiet ? `no figures for ${duration(quiet)}` : CONNECTION_TEXT[connection]);
}

function verdictOf(summary) {
  if (!summary.judged) return { tone: "neutral", word: "No verdict yet: nothing was measured so far" };
  const soFar = summary.final ? "" : " so far";
  if (!summary.valid) return { tone: "bad", word: "✗ Invalid" + soFar };
  if (summary.rate.overloaded) return { tone: "unsure", word: `✓ Valid${soFar}, and the server is overloaded` };
  return { tone: "good", word: "✓ Valid" + soFar };
}

function showVerdict() {
  const { summary } = model;
  $("verdict").hidden = !summary || model.run.kind === "chaos";
  if ($("verdict").hidden) return setText($("verdict-word"), "");
  const { tone, word } = verdictOf(summary);
  $("verdict").className = "callout " + tone;
  setText($("verdict-word"), word);
  fill($("reasons"), summary.invalid_reasons, () => element("li"), setText);
  $("notes").hidden = summary.notes.length === 0;
  setText($("notes").firstChild, `Notes: ${summary.notes.length}`);
  fill($("notes").lastChild, summary.notes, () => element("li"), setText);
}

const sum = (list, figure) => list.reduce((total, each) => total + each[figure], 0);

/// Name, exact value, text, and a further line, of each tile.
function tilesOf(summary, run) {
  const { rate, latency_us: latencies, cache, verify, cluster, generator, servers } = summary;
  const stored = summary.backing && run.store ? storeTiles(summary.backing) : [];
  const redirects = cluster.moved + cluster.ask + cluster.tryagain + cluster.clusterdown;
  const busiest = servers.reduce((most, server) =>
    server.main_thread_utilisation > (most ? most.main_thread_utilisation : -1) ? server : most, null);
  const ofLoad = [
    ["achieved", "Rate", rate.achieved, perSecond(rate.achieved),
      run.closed ? "closed model" : `of ${perSecond(rate.target)} asked for`],
    ["response-p99", "Response p99", latencies.response.p99, latency(latencies.response.p99),
      `p50 ${latency(latencies.response.p50)}`],
    ["service-p99", "Service p99", latencies.service.p99, latency(latencies.service.p99),
      `p50 ${latency(latencies.service.p50)}`],
    ["lateness-p99", "Lateness p99", latencies.lateness.p99, latency(latencies.lateness.p99),
      `p50 ${latency(latencies.lateness.p50)}`],
    ["completed", "Completed", rate.completed, count(rate.completed), `of ${count(rate.scheduled)} due`],
    ["failed", "Failed", rate.failed, count(rate.failed), Object.entries(rate.errors)
      .map(([kind, times]) => `${kind} ${count(times)}`).join(", ") || "no errors"],
    ["hit-rate", "Hit rate", cache.hit_rate, cache.hits + cache.misses ? share(cache.hit_rate) : "–",
      `${count(cache.hits)} hits, ${count(cache.misses)} misses`],
    ["generator", "Generator busy", generator.utilisation, share(generator.utilisation),
      `CPU ${share(generator.cpu_cores)} of a core with spinning, waited for its core ${share(generator.waiting_for_core)}`],
  ];
  const ofServers = servers.length === 0 ? [] : [
    ["main-thread", servers.length > 1 ? "Busiest main thread" : "Redis's main thread",
      busiest.main_thread_utilisation, share(busiest.main_thread_utilisation), busiest.addr],
    ["evicted", "Evicted", sum(servers, "evicted"), count(sum(servers, "evicted")),
      `${count(sum(servers, "expired"))} expired`],
    ["memory", "Memory", sum(servers, "used_memory"), bytes(sum(servers, "used_memory")),
      servers.length > 1 ? `of ${servers.length} servers` : ""],
  ];
  const ofCluster = run.cluster && run.kind !== "chaos" ? [
    ["redirects", "Redirects", redirects, count(redirects),
      `MOVED ${count(cluster.moved)}, ASK ${count(cluster.ask)}`]] : [];
  const ofLedger = run.ledger || verify.stale > 0
    ? [["stale", "Stale reads", verify.stale, count(verify.stale), "of the ledger's keys"]] : [];
  const corrupt = verify.corrupt > 0
    ? [["corrupt", "Corrupt values", verify.corrupt, count(verify.corrupt), `of ${count(verify.checked)}`]] : [];
  return [...(run.kind === "chaos" ? [] : ofLoad), ...stored, ...ofServers, ...ofCluster, ...ofLedger, ...corrupt];
}

const STORE_FAILURES = ["unreachable", "refused", "too_many", "locked", "disk_full", "read_only", "error", "protocol"];

/// Of the store behind the cache.
function storeTiles({ counts, read_us: read, service_us: service, longest_queue: queue, most_waiting: waiting }) {
  const of = name => counts["store_" + name] || 0;
  const failures = STORE_FAILURES.filter(of);
  const failed = STORE_FAILURES.reduce((total, name) => total + of(name), 0);
  const more = [["timed_out", "timed out"], ["shed", "shed"]].filter(([name]) => of(name))
    .map(([name, text]) => `${count(of(name))} ${text}`);
  return [
    ["store-reads", "Reads of the store", of("reads"), count(of("reads")),
      `${count(of("found"))} found, ${count(of("missing"))} missing`],
    ["store-p99", "Store p99", read.p99, read.count ? latency(read.p99) : "–",
      read.count ? `p50 ${latency(read.p50)}, on a connection ${latency(service.p99)}` : "no reads"],
    ["store-failed", "Store: no result", failed + of("timed_out") + of("shed"), count(failed + of("timed_out") + of("shed")),
      [...failures.map(name => `${count(of(name))} ${name.replace("_", " ")}`), ...more].join(", ") || "no failures"],
    ["store-queue", "Store's longest queue", queue, count(queue), `up to ${count(waiting)} operations waiting`],
  ];
}

function newTile() {
  return element("div", element("dt"), element("dd", element("data"), element("small")));
}

function showTile(tile, [id, name, value, text, more]) {
  tile.id = "figure-" + id;
  setText(tile.firstChild, name);
  const [data, small] = tile.lastChild.children;
  data.value = value;
  setText(data, text);
  setText(small, more);
}

const PERCENTILES = ["p50", "p90", "p99", "p999", "p9999", "max"];

function showPercentiles(summary) {
  const measures = Object.entries(summary.latency_us);
  if (summary.backing) measures.push(["store read", summary.backing.read_us]);
  fill($("percentiles").tBodies[0], measures, () => {
    const made = row(1 + PERCENTILES.length);
    for (const cell of [...made.children].slice(1)) cell.append(document.createElement("data"));
    return made;
  }, (made, [measure, figures]) => {
    setText(made.firstChild, measure);
    made.dataset.measure = measure;
    PERCENTILES.forEach((name, i) => {
      const data = made.children[i + 1].firstChild;
      data.value = figures[name];
      const isBound = figures.lower_bounds.includes(name);
      setText(data, figures.count === 0 ? "–" : (isBound ? "≥ " : "") + latency(figures[name]));
    });
  });
}

function showFigures() {
  const { summary, run } = model;
  $("figures").hidden = !summary;
  if (!summary) return;
  const isLoad = run.kind !== "chaos";
  setText($("figures-of"), !isLoad ? "" : summary.final ? "Final: as in summary.json."
    : summary.judged ? "Of the measured window so far." : "The warm-up counts in none of them.");
  fill($("tiles"), tilesOf(summary, run), newTile, showTile);
  $("percentiles").parentElement.hidden = $("terms").hidden = !isLoad;
  if (isLoad) showPercentiles(summary);
}

const faultName = fault => fault.name + (fault.node ? ` on ${fault.node}` : "");

function showFaults() {
  $("faults-title").hidden = model.faults.length === 0;
  fill($("faults"), model.faults.toReversed(), () => element("li", element("b"), element("span")), (item, fault) => {
    setText(item.firstChild, faultName(fault));
    setText(item.lastChild, ` ${timeOfDay(fault.begin)}, ` + (fault.end === null ? "under way"
      : `${duration((fault.end - fault.begin) / 1e3)}${fault.detail ? ": " + fault.detail : ""}`));
  });
}

function showSlots() {
  $("cluster").hidden = !model.heat || !model.summary;
  if ($("cluster").hidden) return;
  const { hot_slots: hottest, nodes } = model.summary.cluster;
  const all = sum(nodes, "ops");
  fill($("hottest").tBodies[0], hottest, () => row(4, [1]), (made, slot) => {
    setCells(made, [String(slot.slot), slot.node || "nobody", count(slot.ops), share(all ? slot.ops / all : 0)]);
  });
  if (slots.heat !== model.heat) slots.show(model.heat);
}

/// By address, as people count: port 980 before 12201.
const byAddress = (a, b) => a.addr.localeCompare(b.addr, "en", { numeric: true });

function showServers() {
  const { summary } = model;
  $("servers").hidden = !summary || summary.servers.length === 0;
  if ($("servers").hidden) return;
  const latest = new Map(latestServers(model).map(server => [server.addr, server]));
  const headings = summary.final ? ["main thread", "commands in all"] : ["main thread now", "commands now"];
  headings.forEach((text, i) => setText($("nodes").tHead.rows[0].children[2 + i], text));
  fill($("nodes").tBodies[0], summary.servers.toSorted(byAddress), () => row(7, [1]), (made, server) => {
    const last = latest.get(server.addr) || {};
    setCells(made, [server.addr, server.role,
      share(summary.final ? server.main_thread_utilisation : last.cpu),
      summary.final ? count(server.ops) : perSecond(last.ops),
      bytes(server.used_memory), count(server.evicted), count(server.expired)]);
    nameCells(made, $("nodes"));
  });
}

const STATE_MARK = { waiting: "·", running: "▸", done: "✓", failed: "✗", "without valid data": "?" };

function showLab() {
  const { lab, done } = model;
  $("lab").hidden = !lab;
  if (!lab) return;
  fill($("experiments"), lab.experiments, () => element("li", element("b"), element("span"), element("p")), (item, part) => {
    item.dataset.state = part.state;
    setText(item.children[0], `${STATE_MARK[part.state]} ${part.title}`);
    setText(item.children[1], part.state === "waiting" ? ` about ${duration(part.expected_s)}` : ` ${part.state}`);
    setText(item.children[2], part.answer);
  });
  setText($("done-count"), String(done.length));
  fill($("done").tBodies[0], done.toReversed(), () => row(5, [0, 2, 3]), (made, run) => {
    made.dataset.state = run.state;
    setCells(made, [run.experiment, `${run.number}/${run.of}`, run.title,
      run.state === "done" ? run.result : run.state === "kept" ? "made earlier"
        : run.state + (run.reason ? `: ${run.reason}` : ""),
      run.took_s ? duration(run.took_s) : "–"]);
    nameCells(made, $("done"));
  });
}

function showFooter() {
  const { run, hello } = model;
  $("command").parentElement.hidden = !run;
  if (run) setText($("command"), run.command);
  if (hello) setText($("version"), `redline ${hello.version}`);
}

// ---- For who listens instead of looking: one sentence at each change, and now and then.

let spokenAt = 0, spokenState = "";

function sentences() {
  const { summary, run } = model;
  const progress = progressOf(model, now());
  const faults = activeFaults(model);
  const said = [model.lab ? labText() : "", PHASE_TEXT[progress.phase]];
  if (connection !== "live") said.push(CONNECTION_TEXT[connection]);
  if (faults.length > 0) said.push("fault under way: " + faults.map(faultName).join(", "));
  if (run && run.kind !== "chaos" && summary && summary.judged) {
    const { rate, latency_us: latencies } = summary;
    said.push(verdictOf(summary).word.replace(/^[✓✗] /, ""),
      `${perSecond(rate.achieved)}${run.closed ? "" : ` of ${perSecond(rate.target)}`}`,
      `response p99 ${latency(latencies.response.p99)}`, `service p99 ${latency(latencies.service.p99)}`,
      `lateness p99 ${latency(latencies.lateness.p99)}`);
    if (rate.failed > 0) said.push(`${count(rate.failed)} failed`);
  }
  return said.filter(Boolean).join(". ") + ".";
}

function speak() {
  const { summary, run } = model;
  const state = [connection, progressOf(model, now()).phase, run && run.run, activeFaults(model).length,
    summary && summary.judged && summary.valid].join();
  const isDue = Date.now() - spokenAt > 20e3 && connection === "live" && !model.isOver;
  if (state === spokenState && !isDue) return;
  spokenState = state;
  spokenAt = Date.now();
  setText($("spoken"), sentences());
}

// ---- When it is shown: a moment after an event, and each second for what counts down.

let isDue = false, drawnAt = 0;

/// Whether more points will come, so that the charts move on with the time.
function goesOn() {
  const isBetweenRuns = model.lab !== null;
  return connection === "live" && !model.isOver && (isBetweenRuns || !(model.summary && model.summary.final));
}

function show() {
  isDue = false;
  if (document.hidden) return;
  showHeader();
  showVerdict();
  showFigures();
  showFaults();
  showSlots();
  showServers();
  showLab();
  showFooter();
  speak();
  const pause = isCalm() && !model.isOver ? 5000 : 0;
  if (Date.now() - drawnAt < pause) return;
  drawnAt = Date.now();
  charts.update(model);
  $("charts").dataset.points = model.points.length;
  charts.draw(Math.max(model.heardAt, goesOn() ? now() - 1500 : 0));
}

function schedule() {
  if (isDue) return;
  isDue = true;
  setTimeout(show, 100);  // the events of one moment together
}

for (const choice of document.getElementsByName("span"))
  choice.addEventListener("change", () => {
    charts.spanMs = 1e3 * Number(choice.value);
    charts.hold(null);
    drawnAt = 0;
    schedule();
  });

$("pause").addEventListener("click", () => {
  charts.hold(charts.held ? null : charts.window(model.heardAt));
  drawnAt = 0;
  schedule();
});
charts.onHold = isHeld => {
  $("pause").setAttribute("aria-pressed", String(isHeld));
  setText($("pause"), isHeld ? "Follow" : "Pause");
};

setInterval(() => { if (!model.isOver) schedule(); }, 1000);
document.addEventListener("visibilitychange", schedule);
addEventListener("resize", schedule);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  slots.draw();
  drawnAt = 0;
  schedule();
});
open();
show();
