#include <algorithm>
#include <array>

#include "json/json.h"
#include "rundir/environment_json.h"
#include "rundir/experiment.h"
#include "rundir/reasons_json.h"

namespace redline {
namespace {

constexpr unsigned kExperimentSchema = 1;

// Enumerators by their names in the file, in the order of their declaration.
constexpr std::array<std::string_view, 3> kRunStates{"done", "failed", "skipped"};
constexpr std::array<std::string_view, 6> kAxisKinds{"linear",  "count",     "share",
                                                     "latency", "log-count", "names"};
constexpr std::array<std::string_view, 5> kStandings{"plain", "expected", "contradicts",
                                                     "inconclusive", "problem"};
constexpr std::array<std::string_view, 5> kSloVerdicts{"met", "missed", "reported", "inconclusive",
                                                       "invalid"};
constexpr std::array<std::string_view, 3> kExperimentStates{"running", "done", "interrupted"};

/// "118k/s [116k – 121k]", as files of older versions have it.
LabCell splitCell(const std::string& text) {
  const std::size_t bracket = text.find(" [");
  const bool one = bracket != std::string::npos && text.ends_with(']') &&
                   text.find('[', bracket + 2) == std::string::npos;
  return one ? LabCell::of(text.substr(0, bracket), text.substr(bracket + 1)) : LabCell(text);
}

}  // namespace

// Each struct of rundir/experiment.h. A new field is a line here and one in docs/run-format.md.

void visit(auto& json, MappedAs<RunRecord> auto& run) {
  json.field("name", run.name);
  json.field("labels", run.labels);
  json.field("state", run.state, kRunStates);
  json.field("reason", run.reason);
  visitReasons(json, "invalid", run.invalid);
  json.field("directories", run.directories);
  json.field("commands", run.commands);
  json.field("figures", run.figures);
  json.field("notes", run.notes);
  json.field("wall_start_ns", run.wallStart);
  json.field("duration_s", run.durationS);
}

/// "ranges" only where there are any. Files without them have the interval in the cell's text.
void visit(auto& json, MappedAs<LabTable::Row> auto& row) {
  std::vector<std::string> texts, ranges;
  for (const LabCell& cell : row.cells) {
    texts.push_back(cell.text);
    ranges.push_back(cell.range);
  }
  const bool any = std::ranges::any_of(ranges, [](const auto& range) { return !range.empty(); });
  json.field("cells", texts);
  if (json.kReads || any) json.field("ranges", ranges);
  if constexpr (std::remove_reference_t<decltype(json)>::kReads) {
    const bool apart = !ranges.empty();
    ranges.resize(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i)
      row.cells.push_back(apart ? LabCell::of(texts[i], ranges[i]) : splitCell(texts[i]));
  }
  json.field("runs", row.runs);
}

void visit(auto& json, MappedAs<LabTable> auto& table) {
  json.field("title", table.title);
  json.field("head", table.head);
  json.field("rows", table.rows);
  json.field("note", table.note);
  json.field("prose", table.prose);
}

void visit(auto& json, MappedAs<LabAxis> auto& axis) {
  json.field("title", axis.title);
  json.field("kind", axis.kind, kAxisKinds);
  json.field("names", axis.names);
}

void visit(auto& json, MappedAs<LabPoint> auto& point) {
  json.numberOrNaN("x", point.x);
  json.numberOrNaN("y", point.y);
  json.field("low", point.low);
  json.field("high", point.high);
}

void visit(auto& json, MappedAs<LabSeries> auto& series) {
  json.field("title", series.title);
  json.field("points", series.points);
  json.field("dashed", series.dashed);
  json.field("line", series.line);
  json.field("markers", series.markers);
  json.field("bars", series.bars);
  json.field("band", series.band);
  json.field("heat", series.heat);
  json.field("width", series.width);
}

void visit(auto& json, MappedAs<LabSpan> auto& span) {
  json.field("from", span.from);
  json.field("to", span.to);
  json.field("title", span.title);
}

void visit(auto& json, MappedAs<LabMark> auto& mark) {
  json.field("x", mark.x);
  json.field("title", mark.title);
}

void visit(auto& json, MappedAs<LabPlot> auto& plot) {
  json.field("id", plot.id);
  json.field("title", plot.title);
  json.field("description", plot.description);
  json.field("x", plot.x);
  json.field("y", plot.y);
  json.field("series", plot.series);
  json.field("spans", plot.spans);
  json.field("marks", plot.marks);
  json.field("main", plot.isMain);
}

void visit(auto& json, MappedAs<LabFinding> auto& finding) {
  json.field("id", finding.id);
  json.field("standing", finding.standing, kStandings);
  json.field("text", finding.text);
  json.field("from", finding.from);
  json.field("headline", finding.headline);
  json.field("runs", finding.runs);
}

void visit(auto& json, MappedAs<LabDecision> auto& decision) {
  json.field("risk", decision.risk);
  json.field("measured", decision.measured);
  json.field("action", decision.action);
  json.field("price", decision.price);
  json.field("gain", decision.gain);
  json.field("stall", decision.isStall);
  json.field("runs", decision.runs);
}

void visit(auto& json, MappedAs<SloOutcome> auto& slo) {
  json.field("id", slo.id);
  json.field("measured", slo.measured);
  json.field("verdict", slo.verdict, kSloVerdicts);
  json.field("detail", slo.detail);
  if (json.kReads || !slo.availableMeasured.empty()) {
    json.field("available_measured", slo.availableMeasured);
    json.field("available_verdict", slo.availableVerdict, kSloVerdicts);
  }
  json.field("runs", slo.runs);
}

void visit(auto& json, MappedAs<LabFigure> auto& figure) {
  json.field("what", figure.what);
  json.field("unit", figure.unit);
  json.field("value", figure.value);
  json.field("low", figure.low);
  json.field("high", figure.high);
}

void visit(auto& json, MappedAs<LabPrediction> auto& prediction) {
  json.field("what", prediction.what);
  json.field("model", prediction.model);
  json.field("unit", prediction.unit);
  json.field("predicted", prediction.predicted);
  json.field("measured", prediction.measured);
  json.field("low", prediction.low);
  json.field("high", prediction.high);
  json.field("verdict", prediction.verdict);
}

void visit(auto& json, MappedAs<ExperimentDocument> auto& document) {
  json.schema(kExperimentSchema);
  json.field("name", document.name);
  json.field("title", document.title);
  json.field("question", document.question);
  json.field("profile", document.profile);
  json.field("indicative", document.indicative);
  json.field("state", document.state, kExperimentStates);
  json.field("redline_version", document.redlineVersion);
  json.field("environment", document.environment);
  json.field("command", document.command);
  json.field("parameters", document.parameters);
  json.field("wall_start_ns", document.wallStart);
  json.field("duration_s", document.durationS);
  json.field("answer", document.answer);
  json.field("findings", document.findings);
  json.field("tables", document.tables);
  json.field("plots", document.plots);
  json.field("costs", document.costs);
  json.field("recommendations", document.recommendations);
  json.field("decisions", document.decisions);
  json.field("alternatives", document.alternatives);
  json.field("slo", document.slo);
  json.field("figures", document.figures);
  json.field("predictions", document.predictions);
  json.field("method", document.method);
  json.field("runs", document.runs);
}

namespace {

template <typename Value>
const Value* find(const std::vector<std::pair<std::string, Value>>& in, std::string_view name) {
  const auto found = std::ranges::find(in, name, &std::pair<std::string, Value>::first);
  return found == in.end() ? nullptr : &found->second;
}

}  // namespace

std::string_view RunRecord::label(std::string_view wanted) const {
  const std::string* const found = find(labels, wanted);
  return found == nullptr ? std::string_view{} : std::string_view(*found);
}

double RunRecord::figure(std::string_view wanted, double otherwise) const {
  const double* const found = find(figures, wanted);
  return found == nullptr ? otherwise : *found;
}

std::string_view RunRecord::note(std::string_view wanted) const {
  const std::string* const found = find(notes, wanted);
  return found == nullptr ? std::string_view{} : std::string_view(*found);
}

void withdrawUnsupportedAdvice(ExperimentDocument& document) {
  const auto isDone = [](const RunRecord& run) { return run.state == RunState::done; };
  const auto isValid = [&](const RunRecord& run) { return isDone(run) && run.invalid.empty(); };
  if (document.runs.empty() || std::ranges::any_of(document.runs, isValid)) return;
  document.recommendations.clear();
  document.decisions.clear();
  document.answer = std::ranges::any_of(document.runs, isDone) ? kDisturbedAnswer : "";
}

std::string experimentToJson(const ExperimentDocument& document) {
  return writeJson(document, 1) + "\n";
}

Result<ExperimentDocument> experimentFromJson(std::string_view text, std::string_view name) {
  return readJson<ExperimentDocument>(text, {.name = name});
}

std::string runRecordToJson(const RunRecord& record) {
  return writeJson(record);
}

Result<RunRecord> runRecordFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  return readJson<RunRecord>(text, {.name = name, .cutOff = cutOff});
}

LabCell LabCell::of(std::string text, std::string range) {
  LabCell cell(std::move(text));
  cell.range = std::move(range);
  return cell;
}

}  // namespace redline
