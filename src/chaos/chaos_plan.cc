#include "chaos/chaos_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "chaos/catalog.h"

namespace redline {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// The next word of `rest`, taken off it; empty: there is none.
std::string_view takeWord(std::string_view& rest) {
  rest = trim(rest);
  const std::string_view word = rest.substr(0, rest.find_first_of(kBlanks));
  rest.remove_prefix(word.size());
  return word;
}

/// "-slots=0-999 -target 127.0.0.1:7601 -heal" as pairs.
Result<std::vector<GivenParameter>> readParameters(const FaultSpec& spec, std::string_view rest) {
  std::vector<GivenParameter> given;
  for (std::string_view word; !(word = takeWord(rest)).empty();) {
    if (!word.starts_with('-') || word.find_first_not_of('-') == std::string_view::npos)
      return fail(ErrorCode::usage,
                  "{}: unexpected word '{}': parameters are written as flags, as in -{}={}",
                  spec.name, word, spec.parameters.empty() ? "target" : spec.parameters[0].name,
                  spec.parameters.empty() ? "127.0.0.1:7601" : spec.parameters[0].example);
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const auto equals = word.find('=');
    std::string name(word.substr(0, equals));
    if (equals != std::string_view::npos) {
      given.emplace_back(std::move(name), word.substr(equals + 1));
      continue;
    }
    const auto parameter = std::ranges::find(spec.parameters, name, &FaultParameter::name);
    const bool alone = parameter == spec.parameters.end() || parameter->kind == ValueKind::boolean;
    const std::string_view value = alone ? "true" : takeWord(rest);
    if (value.empty() || (!alone && value.starts_with('-')))
      return fail(ErrorCode::usage, "{}: -{} needs a value, as in -{}={}", spec.name, name, name,
                  parameter->example);
    given.emplace_back(std::move(name), value);
  }
  return given;
}

Result<PlannedFault> readFault(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view time = trim(text.substr(0, colon));
  if (colon == std::string_view::npos)
    return fail(ErrorCode::usage,
                "'{}' has no time: write a time, a colon and the fault, as in "
                "5s:{}",
                text, findFault(time) ? time : "bgsave");
  const auto at = parseDuration(time);
  if (!at)
    return fail(ErrorCode::usage, "'{}' does not begin with a time ({}): write it as 5s:bgsave",
                text, at.error().message);
  std::string_view rest = text.substr(colon + 1);
  const std::string_view name = takeWord(rest);
  if (name.empty())
    return fail(ErrorCode::usage, "'{}' names no fault: write it as {}:bgsave", text, time);
  const auto spec = findFault(name);
  if (!spec) return fail(spec.error());
  const auto given = readParameters(**spec, rest);
  if (!given) return fail(given.error());
  auto arguments = FaultArguments::parse(name, (*spec)->parameters, *given);
  if (!arguments) return fail(arguments.error());
  return PlannedFault{*at, *spec, std::move(*arguments)};
}

}  // namespace

Result<ChaosPlan> parseChaosPlan(std::string_view text) {
  ChaosPlan plan;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view part = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (part.empty()) continue;  // a semicolon at the end
    auto fault = readFault(part);
    if (!fault) return fail(fault.error());
    const auto behind = std::ranges::upper_bound(plan, fault->at, {}, &PlannedFault::at);
    plan.insert(behind, std::move(*fault));
  }
  if (plan.empty())
    return fail(ErrorCode::usage,
                "the plan is empty: write 5s:bgsave, and separate several faults by ';'");
  return plan;
}

}  // namespace redline
