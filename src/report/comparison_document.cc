#include "report/comparison_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "report/text.h"

namespace redline {
namespace {

using Json = nlohmann::ordered_json;

/// Without the minus of a zero.
std::string signedNumber(double value, int digits) {
  std::string text = fmt::format("{:+.{}f}", value, digits);
  if (text.find_first_of("123456789") == std::string::npos) text.front() = '+';
  return text;
}

std::string signedPercent(double ratio) {
  if (!std::isfinite(ratio)) return "from nothing";
  const double percent = (ratio - 1) * 100;
  if (percent > 900) return fmt::format("x {:.3g}", ratio);
  return signedNumber(percent, std::abs(percent) < 9.95 ? 1 : 0) + "%";
}

std::string formatChange(const ComparedMetric& row, double value) {
  if (!row.metric.byDifference()) return signedPercent(value);
  if (row.metric.unit == MetricUnit::share) return signedNumber(value * 100, 2);
  return (value < 0 ? "-" : "+") + formatMetric(row.metric.unit, std::abs(value));
}

Cell changeCell(const ComparedMetric& row) {
  const Estimate& change = row.change;
  const std::string_view unit = row.metric.unit == MetricUnit::share ? " points" : "";
  Cell cell = formatChange(row, change.value);
  if (change.hasInterval())
    cell.range = fmt::format("[{}, {}]{}", formatChange(row, change.low),
                             formatChange(row, change.high), unit);
  else
    cell.text += unit;
  return cell;
}

std::string valueCell(const Metric& metric, const Estimate& estimate, bool lowerBound) {
  std::string text = (lowerBound ? "≥ " : "") + formatMetric(metric.unit, estimate.value);
  const double percent = estimate.relativeHalfWidth() * 100;
  if (percent == 0) return text;
  return text + fmt::format(" ±{:.{}f}%", percent, percent < 9.95 ? 1 : 0);
}

std::string verdictCell(const ComparedMetric& row) {
  return row.change.hasInterval() ? std::string(differenceName(row.verdict)) : "no interval";
}

/// Counts of what did not happen on either side are not worth a line.
bool worthALine(const ComparedMetric& row) {
  return row.metric.unit != MetricUnit::count || row.a.value != 0 || row.b.value != 0;
}

std::string evidenceText(const Comparison& comparison) {
  const std::string meaning = fmt::format(
      "\"differs\": the 95% interval excludes zero change. \"no evidence\": it includes zero and "
      "stays within {:.3g}% (shares: {} point). About one figure in twenty differs by chance.",
      comparison.margin * 100, kShareMargin * 100);
  switch (comparison.evidence) {
    case Evidence::repeats:
      return "Intervals: Student's t of the repeats, of a ratio Welch's t of the logarithms. " +
             meaning;
    case Evidence::blocks:
      return "Intervals: block bootstrap of one run each. They do not cover the variation between "
             "runs: repeat both sides to be sure. " +
             meaning;
    case Evidence::none:
      break;
  }
  return "No intervals: these need two or more runs on both sides, or one run each with five "
         "measured intervals.";
}

Paragraph sideOf(std::string letter, const std::string& name, std::size_t runs) {
  return {.text = fmt::format("{}  ({})", name, plural(runs, "run")), .lead = std::move(letter)};
}

Table metricsTable(const Comparison& comparison) {
  Table table{.title = "",
              .columns = columnsOf({"metric", "A", "B", "change", "verdict"}),
              .note = evidenceText(comparison)};
  for (const ComparedMetric& row : comparison.metrics)
    if (worthALine(row))
      table.add({row.metric.name, valueCell(row.metric, row.a, row.aIsLowerBound),
                 valueCell(row.metric, row.b, row.bIsLowerBound), changeCell(row),
                 verdictCell(row)});
  return table;
}

std::string_view stateName(ConditionOutcome::State state) {
  switch (state) {
    case ConditionOutcome::State::holds:
      return "FAILED";
    case ConditionOutcome::State::undecided:
      return "undecided";
    case ConditionOutcome::State::unmeasured:
      return "not measured";
    case ConditionOutcome::State::not_:
      break;
  }
  return "ok";
}

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Json estimateJson(const Estimate& estimate) {
  Json json{{"value", number(estimate.value)}};
  if (!estimate.hasInterval()) return json;
  json["low"] = number(estimate.low);
  json["high"] = number(estimate.high);
  json["confidence"] = estimate.confidence;
  json["method"] = methodName(estimate.method);
  return json;
}

std::string_view unitName(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::micros:
      return "us";
    case MetricUnit::rate:
      return "1/s";
    case MetricUnit::share:
      return "share";
    case MetricUnit::bytes:
      return "bytes";
    case MetricUnit::count:
      break;
  }
  return "count";
}

Json metricJson(const ComparedMetric& row) {
  return {{"metric", row.metric.name},
          {"unit", unitName(row.metric.unit)},
          {"a", estimateJson(row.a)},
          {"b", estimateJson(row.b)},
          {"a_is_lower_bound", row.aIsLowerBound},
          {"b_is_lower_bound", row.bIsLowerBound},
          {"change_is", row.metric.byDifference() ? "difference" : "ratio"},
          {"change", estimateJson(row.change)},
          {"verdict", differenceName(row.verdict)}};
}

}  // namespace

std::string changeSentence(const ComparedMetric& row) {
  const Cell change = changeCell(row);
  return fmt::format("{} {} → {}, {}{}{}", row.metric.name,
                     formatMetric(row.metric.unit, row.a.value),
                     formatMetric(row.metric.unit, row.b.value), change.text,
                     change.range.empty() ? "" : " ", change.range);
}

Blocks comparisonBlocks(const Comparison& comparison,
                        const std::vector<ConditionOutcome>& conditions) {
  Blocks blocks{sideOf("A", comparison.aName, comparison.aRuns),
                sideOf("B", comparison.bName, comparison.bRuns)};
  const auto orNone = [](const std::string& value) { return value.empty() ? "(none)" : value; };
  for (const FlagDifference& flag : comparison.flags)
    blocks.emplace_back(
        Paragraph{.text = fmt::format("-{}: {} → {}", flag.flag, orNone(flag.a), orNone(flag.b)),
                  .lead = " "});
  blocks.emplace_back(Heading{.level = 3, .text = ""});
  addTable(blocks, metricsTable(comparison));
  for (const std::string& warning : comparison.warnings) addText(blocks, "warning: " + warning);
  for (const std::string& reason : comparison.invalid) addText(blocks, "INVALID: " + reason);
  for (const ConditionOutcome& outcome : conditions)
    addText(blocks, fmt::format("{}: {} ({})", stateName(outcome.state), outcome.condition.text,
                                outcome.why));
  return blocks;
}

std::string comparisonJson(const Comparison& comparison,
                           const std::vector<ConditionOutcome>& conditions) {
  Json json{{"schema", 1},
            {"a", {{"name", comparison.aName}, {"runs", comparison.aRuns}}},
            {"b", {{"name", comparison.bName}, {"runs", comparison.bRuns}}},
            {"evidence", comparison.evidence == Evidence::repeats  ? "repeats"
                         : comparison.evidence == Evidence::blocks ? "blocks"
                                                                   : "none"},
            {"margin", comparison.margin},
            {"valid", comparison.invalid.empty()},
            {"invalid_reasons", comparison.invalid},
            {"warnings", comparison.warnings},
            {"flags", Json::array()},
            {"metrics", Json::array()},
            {"conditions", Json::array()}};
  for (const FlagDifference& flag : comparison.flags)
    json["flags"].push_back({{"flag", flag.flag}, {"a", flag.a}, {"b", flag.b}});
  for (const ComparedMetric& row : comparison.metrics) json["metrics"].push_back(metricJson(row));
  for (const ConditionOutcome& outcome : conditions)
    json["conditions"].push_back({{"condition", outcome.condition.text},
                                  {"state", stateName(outcome.state)},
                                  {"why", outcome.why}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace redline
