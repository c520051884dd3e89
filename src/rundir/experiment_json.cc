#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "rundir/environment_json.h"
#include "rundir/experiment.h"
#include "rundir/json_fields.h"

namespace redline {
namespace {

constexpr unsigned kSchema = 1;

// Enumerators by their names in the file, in the order of their declaration.
constexpr std::array<std::string_view, 3> kRunStates{"done", "failed", "skipped"};
constexpr std::array<std::string_view, 6> kAxisKinds{"linear",  "count",     "share",
                                                     "latency", "log-count", "names"};
constexpr std::array<std::string_view, 5> kStandings{"plain", "expected", "contradicts",
                                                     "inconclusive", "problem"};
constexpr std::array<std::string_view, 5> kSloVerdicts{"met", "missed", "reported", "inconclusive",
                                                       "invalid"};
constexpr std::array<std::string_view, 3> kExperimentStates{"running", "done", "interrupted"};

template <typename Enum, std::size_t N>
std::string nameOf(Enum value, const std::array<std::string_view, N>& names) {
  return std::string(names[static_cast<std::size_t>(value)]);
}

/// A field that must hold one of `names`.
template <typename Enum, std::size_t N>
void readName(JsonFields& fields, const char* field, const std::array<std::string_view, N>& names,
              Enum& to) {
  std::string text = nameOf(to, names);
  fields.read(field, text);
  const auto found = std::ranges::find(names, text);
  if (found == names.end())
    fields.refuse(field, "one of the names that docs/run-format.md lists");
  else
    to = static_cast<Enum>(found - names.begin());
}

template <typename T>
Json listOf(const std::vector<T>& values, Json (*one)(const T&)) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(one(value));
  return list;
}

template <typename T>
void readList(JsonFields& fields, const char* name, std::vector<T>& to,
              void (*one)(JsonFields&, T&)) {
  fields.eachOf(name, [&](JsonFields of) {
    T value;
    one(of, value);
    to.push_back(std::move(value));
  });
}

Json runJson(const RunRecord& run) {
  Json figures = Json::object();
  for (const auto& [name, value] : run.figures) figures[name] = value;
  return {{"name", run.name},
          {"labels", configJson(run.labels)},
          {"state", nameOf(run.state, kRunStates)},
          {"reason", run.reason},
          {"invalid", run.invalid},
          {"directories", run.directories},
          {"commands", run.commands},
          {"figures", std::move(figures)},
          {"notes", configJson(run.notes)},
          {"wall_start_ns", run.wallStart},
          {"duration_s", run.durationS}};
}

void readRun(JsonFields& fields, RunRecord& run) {
  fields.read("name", run.name);
  fields.read("labels", run.labels);
  readName(fields, "state", kRunStates, run.state);
  fields.read("reason", run.reason);
  fields.read("invalid", run.invalid);
  fields.read("directories", run.directories);
  fields.read("commands", run.commands);
  fields.read("figures", run.figures);
  fields.read("notes", run.notes);
  fields.read("wall_start_ns", run.wallStart);
  fields.read("duration_s", run.durationS);
}

Json rowJson(const LabTable::Row& row) {
  return {{"cells", row.cells}, {"runs", row.runs}};
}

void readRow(JsonFields& fields, LabTable::Row& row) {
  fields.read("cells", row.cells);
  fields.read("runs", row.runs);
}

Json tableJson(const LabTable& table) {
  return {{"title", table.title},
          {"head", table.head},
          {"rows", listOf(table.rows, rowJson)},
          {"note", table.note},
          {"prose", table.prose}};
}

void readTable(JsonFields& fields, LabTable& table) {
  fields.read("title", table.title);
  fields.read("head", table.head);
  readList(fields, "rows", table.rows, readRow);
  fields.read("note", table.note);
  fields.read("prose", table.prose);
}

Json axisJson(const LabAxis& axis) {
  return {{"title", axis.title}, {"kind", nameOf(axis.kind, kAxisKinds)}, {"names", axis.names}};
}

void readAxis(JsonFields fields, LabAxis& axis) {
  fields.read("title", axis.title);
  readName(fields, "kind", kAxisKinds, axis.kind);
  fields.read("names", axis.names);
}

Json pointJson(const LabPoint& point) {
  return {{"x", point.x}, {"y", point.y}, {"low", point.low}, {"high", point.high}};
}

void readPoint(JsonFields& fields, LabPoint& point) {
  point.x = point.y = kNaN;
  fields.read("x", point.x);
  fields.read("y", point.y);
  fields.read("low", point.low);
  fields.read("high", point.high);
}

Json seriesJson(const LabSeries& series) {
  return {{"title", series.title},
          {"points", listOf(series.points, pointJson)},
          {"dashed", series.dashed},
          {"line", series.line},
          {"markers", series.markers}};
}

void readSeries(JsonFields& fields, LabSeries& series) {
  fields.read("title", series.title);
  readList(fields, "points", series.points, readPoint);
  fields.read("dashed", series.dashed);
  fields.read("line", series.line);
  fields.read("markers", series.markers);
}

Json spanJson(const LabSpan& span) {
  return {{"from", span.from}, {"to", span.to}, {"title", span.title}};
}

void readSpan(JsonFields& fields, LabSpan& span) {
  fields.read("from", span.from);
  fields.read("to", span.to);
  fields.read("title", span.title);
}

Json markJson(const LabMark& mark) {
  return {{"x", mark.x}, {"title", mark.title}};
}

void readMark(JsonFields& fields, LabMark& mark) {
  fields.read("x", mark.x);
  fields.read("title", mark.title);
}

Json plotJson(const LabPlot& plot) {
  return {{"id", plot.id},
          {"title", plot.title},
          {"description", plot.description},
          {"x", axisJson(plot.x)},
          {"y", axisJson(plot.y)},
          {"series", listOf(plot.series, seriesJson)},
          {"spans", listOf(plot.spans, spanJson)},
          {"marks", listOf(plot.marks, markJson)}};
}

void readPlot(JsonFields& fields, LabPlot& plot) {
  fields.read("id", plot.id);
  fields.read("title", plot.title);
  fields.read("description", plot.description);
  fields.object("x", [&](JsonFields of) { readAxis(of, plot.x); });
  fields.object("y", [&](JsonFields of) { readAxis(of, plot.y); });
  readList(fields, "series", plot.series, readSeries);
  readList(fields, "spans", plot.spans, readSpan);
  readList(fields, "marks", plot.marks, readMark);
}

Json findingJson(const LabFinding& finding) {
  return {{"standing", nameOf(finding.standing, kStandings)},
          {"text", finding.text},
          {"from", finding.from},
          {"headline", finding.headline},
          {"runs", finding.runs}};
}

void readFinding(JsonFields& fields, LabFinding& finding) {
  readName(fields, "standing", kStandings, finding.standing);
  fields.read("text", finding.text);
  fields.read("from", finding.from);
  fields.read("headline", finding.headline);
  fields.read("runs", finding.runs);
}

Json sloJson(const SloOutcome& slo) {
  return {{"id", slo.id},
          {"measured", slo.measured},
          {"verdict", nameOf(slo.verdict, kSloVerdicts)},
          {"detail", slo.detail},
          {"runs", slo.runs}};
}

void readSlo(JsonFields& fields, SloOutcome& slo) {
  fields.read("id", slo.id);
  fields.read("measured", slo.measured);
  readName(fields, "verdict", kSloVerdicts, slo.verdict);
  fields.read("detail", slo.detail);
  fields.read("runs", slo.runs);
}

Json figureJson(const LabFigure& figure) {
  return {{"what", figure.what},
          {"unit", figure.unit},
          {"value", figure.value},
          {"low", figure.low},
          {"high", figure.high}};
}

void readFigure(JsonFields& fields, LabFigure& figure) {
  fields.read("what", figure.what);
  fields.read("unit", figure.unit);
  fields.read("value", figure.value);
  fields.read("low", figure.low);
  fields.read("high", figure.high);
}

Json predictionJson(const LabPrediction& prediction) {
  return {{"what", prediction.what},         {"model", prediction.model},
          {"unit", prediction.unit},         {"predicted", prediction.predicted},
          {"measured", prediction.measured}, {"low", prediction.low},
          {"high", prediction.high},         {"verdict", prediction.verdict}};
}

void readPrediction(JsonFields& fields, LabPrediction& prediction) {
  fields.read("what", prediction.what);
  fields.read("model", prediction.model);
  fields.read("unit", prediction.unit);
  fields.read("predicted", prediction.predicted);
  fields.read("measured", prediction.measured);
  fields.read("low", prediction.low);
  fields.read("high", prediction.high);
  fields.read("verdict", prediction.verdict);
}

void readDocument(JsonFields& fields, ExperimentDocument& document) {
  fields.read("name", document.name);
  fields.read("title", document.title);
  fields.read("question", document.question);
  fields.read("profile", document.profile);
  fields.read("indicative", document.indicative);
  readName(fields, "state", kExperimentStates, document.state);
  fields.read("redline_version", document.redlineVersion);
  fields.object("environment", [&](JsonFields of) { readEnvironment(of, document.environment); });
  fields.read("command", document.command);
  fields.read("parameters", document.parameters);
  fields.read("wall_start_ns", document.wallStart);
  fields.read("duration_s", document.durationS);
  readList(fields, "findings", document.findings, readFinding);
  readList(fields, "tables", document.tables, readTable);
  readList(fields, "plots", document.plots, readPlot);
  fields.read("costs", document.costs);
  fields.read("recommendations", document.recommendations);
  readList(fields, "slo", document.slo, readSlo);
  readList(fields, "figures", document.figures, readFigure);
  readList(fields, "predictions", document.predictions, readPrediction);
  fields.read("method", document.method);
  readList(fields, "runs", document.runs, readRun);
}

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

std::string experimentToJson(const ExperimentDocument& document) {
  const Json json = {{"schema", kSchema},
                     {"name", document.name},
                     {"title", document.title},
                     {"question", document.question},
                     {"profile", document.profile},
                     {"indicative", document.indicative},
                     {"state", nameOf(document.state, kExperimentStates)},
                     {"redline_version", document.redlineVersion},
                     {"environment", environmentJson(document.environment)},
                     {"command", document.command},
                     {"parameters", configJson(document.parameters)},
                     {"wall_start_ns", document.wallStart},
                     {"duration_s", document.durationS},
                     {"findings", listOf(document.findings, findingJson)},
                     {"tables", listOf(document.tables, tableJson)},
                     {"plots", listOf(document.plots, plotJson)},
                     {"costs", document.costs},
                     {"recommendations", document.recommendations},
                     {"slo", listOf(document.slo, sloJson)},
                     {"figures", listOf(document.figures, figureJson)},
                     {"predictions", listOf(document.predictions, predictionJson)},
                     {"method", document.method},
                     {"runs", listOf(document.runs, runJson)}};
  return toText(json, 1) + "\n";
}

Result<ExperimentDocument> experimentFromJson(std::string_view text, std::string_view name) {
  const auto json = parseJson(text, name);
  if (!json) return fail(json.error());
  std::string problem;
  ExperimentDocument document;
  unsigned schema = 0;
  JsonFields fields(*json, "", problem);
  fields.read("schema", schema);
  readDocument(fields, document);
  if (problem.empty() && schema != kSchema)
    problem = fmt::format("schema {} where {} is read", schema, kSchema);
  if (!problem.empty()) return fail(ErrorCode::invalidInput, "{}: {}", name, problem);
  return document;
}

std::string runRecordToJson(const RunRecord& record) {
  return toText(runJson(record));
}

Result<RunRecord> runRecordFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  const auto json = parseJson(text, name, 1, cutOff);
  if (!json) return fail(json.error());
  std::string problem;
  RunRecord record;
  JsonFields fields(*json, "", problem);
  readRun(fields, record);
  if (!problem.empty()) return fail(ErrorCode::invalidInput, "{}: {}", name, problem);
  return record;
}

}  // namespace redline
