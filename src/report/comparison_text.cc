#include "report/comparison_text.h"

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

std::string changeWords(const ComparedMetric& row, double value) {
  if (!row.metric.byDifference()) return signedPercent(value);
  if (row.metric.unit == MetricUnit::share) return signedNumber(value * 100, 2);
  return (value < 0 ? "-" : "+") + metricWords(row.metric.unit, std::abs(value));
}

std::string changeCell(const ComparedMetric& row) {
  const Estimate& change = row.change;
  std::string text = changeWords(row, change.value);
  if (change.hasInterval())
    text += fmt::format(" [{}, {}]", changeWords(row, change.low), changeWords(row, change.high));
  return row.metric.unit == MetricUnit::share ? text + " points" : text;
}

std::string valueCell(const Metric& metric, const Estimate& estimate, bool lowerBound) {
  std::string text = (lowerBound ? ">= " : "") + metricWords(metric.unit, estimate.value);
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

/// Display width: every character that is not ASCII here takes one column.
std::size_t widthOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], widthOf(row[c]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += row[c];
      if (c + 1 < row.size()) line.append(widths[c] - widthOf(row[c]) + 2, ' ');
    }
    text += line + '\n';
  }
  return text;
}

std::string evidenceText(const Comparison& comparison) {
  const std::string meaning = fmt::format(
      "\"differs\": the 95% interval leaves no difference out; \"no evidence\": it also stays "
      "within "
      "{:.3g}% (shares: {} point); about one figure in twenty differs by chance.",
      comparison.margin * 100, kShareMargin * 100);
  switch (comparison.evidence) {
    case Evidence::repeats:
      return "Intervals: Student's t of the repeats, of a ratio Welch's t of the logarithms. " +
             meaning;
    case Evidence::blocks:
      return "Intervals: one run each, its window cut into blocks that are drawn with replacement "
             "(block bootstrap). They know nothing of what changes from run to run: repeat both to "
             "be sure. " +
             meaning;
    case Evidence::none:
      break;
  }
  return "No intervals: that takes two runs or more on both sides, or one each with five measured "
         "intervals.";
}

std::string sideLine(std::string_view letter, const std::string& name, std::size_t runs) {
  return fmt::format("{}  {}  ({})\n", letter, name, plural(runs, "run"));
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
  return fmt::format("{} {} → {}, {}", row.metric.name, metricWords(row.metric.unit, row.a.value),
                     metricWords(row.metric.unit, row.b.value), changeCell(row));
}

std::string comparisonText(const Comparison& comparison,
                           const std::vector<ConditionOutcome>& conditions) {
  std::string text = sideLine("A", comparison.aName, comparison.aRuns) +
                     sideLine("B", comparison.bName, comparison.bRuns);
  for (const FlagDifference& flag : comparison.flags)
    text += fmt::format("   -{}: {} → {}\n", flag.flag, flag.a.empty() ? "(none)" : flag.a,
                        flag.b.empty() ? "(none)" : flag.b);
  text += '\n';
  std::vector<std::vector<std::string>> rows{{"metric", "A", "B", "change", "verdict"}};
  for (const ComparedMetric& row : comparison.metrics)
    if (worthALine(row))
      rows.push_back({row.metric.name, valueCell(row.metric, row.a, row.aIsLowerBound),
                      valueCell(row.metric, row.b, row.bIsLowerBound), changeCell(row),
                      verdictCell(row)});
  text += aligned(rows) + '\n' + evidenceText(comparison) + '\n';
  for (const std::string& warning : comparison.warnings) text += "warning: " + warning + '\n';
  for (const std::string& reason : comparison.invalid) text += "INVALID: " + reason + '\n';
  for (const ConditionOutcome& outcome : conditions)
    text +=
        fmt::format("{}: {} ({})\n", stateName(outcome.state), outcome.condition.text, outcome.why);
  return text;
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
