#include "report/fail_conditions.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/text.h"
#include "base/units.h"
#include "report/comparison_document.h"

namespace redline {
namespace {

Result<double> parseInUnit(MetricUnit unit, std::string_view text) {
  if (unit == MetricUnit::micros) {
    const auto span = parseDuration(text);
    if (!span) return fail(span.error());
    return toMicros(*span);
  }
  if (unit == MetricUnit::bytes) {
    const auto size = parseSize(text);
    if (!size) return fail(size.error());
    return static_cast<double>(*size);
  }
  if (unit == MetricUnit::share) return parseNumber(text);
  if (const auto number = parseNumber(text)) return number;
  const auto count = parseCount(text);
  if (!count) return fail(count.error());
  return static_cast<double>(*count);
}

/// The part after the comparison sign.
Result<FailCondition> withValue(FailCondition condition, std::string_view value) {
  const bool sign = value.starts_with('+') || value.starts_with('-');
  const bool negative = value.starts_with('-');
  if (sign) value.remove_prefix(1);
  const bool percent = value.ends_with('%');
  if (percent && (sign || condition.metric.unit != MetricUnit::share)) {
    if (!sign)
      return fail(ErrorCode::usage, "'{}': say whether up or down: +{} or -{}", condition.text,
                  value, value);
    const auto share = parseNumber(value);
    if (!share) return fail(ErrorCode::usage, "'{}': {}", condition.text, share.error().message);
    condition.against = FailCondition::Against::ratio;
    condition.value = negative ? 1 - *share : 1 + *share;
    return condition;
  }
  const auto number = parseInUnit(condition.metric.unit, value);
  if (!number) return fail(ErrorCode::usage, "'{}': {}", condition.text, number.error().message);
  condition.against = sign ? FailCondition::Against::difference : FailCondition::Against::limit;
  condition.value = negative ? -*number : *number;
  return condition;
}

Result<FailCondition> parseOne(std::string_view text) {
  FailCondition condition;
  condition.text = text;
  const std::size_t sign = text.find_first_of("<>");
  if (sign == std::string_view::npos)
    return fail(ErrorCode::usage, "'{}' compares nothing: write it as p99>+10% or hit_rate<99%",
                text);
  const auto metric = findMetric(trim(text.substr(0, sign)));
  if (!metric) return fail(ErrorCode::usage, "'{}': {}", text, metric.error().message);
  condition.metric = *metric;
  condition.above = text[sign] == '>';
  std::string_view value = text.substr(sign + 1);
  condition.orEqual = value.starts_with('=');
  if (condition.orEqual) value.remove_prefix(1);
  value = trim(value);
  if (value.empty())
    return fail(ErrorCode::usage, "'{}' has no value: write it as p99>+10% or p99>5ms", text);
  return withValue(std::move(condition), value);
}

bool beyond(const FailCondition& condition, double value) {
  if (value == condition.value) return condition.orEqual;
  return condition.above ? value > condition.value : value < condition.value;
}

/// What the condition is about: B's figure, or its change from A's.
Estimate subjectOf(const FailCondition& condition, const ComparedMetric& row) {
  using Against = FailCondition::Against;
  if (condition.against == Against::limit) return row.b;
  const bool asRatio = condition.against == Against::ratio;
  if (asRatio != row.metric.byDifference()) return row.change;
  Estimate subject;  // the other kind of change: no interval was computed for it
  subject.value = asRatio ? row.b.value / row.a.value : row.b.value - row.a.value;
  if (asRatio && row.a.value == 0) subject.value = row.b.value == 0 ? 1 : HUGE_VAL;
  subject.low = subject.high = subject.value;
  subject.count = row.change.count;
  return subject;
}

}  // namespace

Result<std::vector<FailCondition>> parseFailConditions(std::string_view text) {
  std::vector<FailCondition> conditions;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",;"), text.size());
    const std::string_view one = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    auto condition = parseOne(one);
    if (!condition) return fail(condition.error());
    conditions.push_back(std::move(*condition));
  }
  return conditions;
}

ConditionOutcome judgeCondition(const FailCondition& condition, const Comparison& comparison) {
  using State = ConditionOutcome::State;
  const ComparedMetric* const row = comparison.find(condition.metric.name);
  if (row == nullptr) return {condition, State::unmeasured, "not measured on both sides"};
  const Estimate subject = subjectOf(condition, *row);
  const std::string figures = changeSentence(*row);
  if (!beyond(condition, subject.value)) return {condition, State::not_, figures};
  if (condition.against == FailCondition::Against::limit || !row->change.hasInterval())
    return {condition, State::holds, figures};
  if (row->verdict != Difference::differs)
    return {condition, State::undecided, figures + ", but that may be chance: make more repeats"};
  return {condition, State::holds, figures};
}

}  // namespace redline
