#include "chaos/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/suggest.h"
#include "base/units.h"

namespace redline {
namespace {

template <typename T>
Status statusOf(const Result<T>& result) {
  if (result) return {};
  return fail(result.error());
}

/// Ok when `text` reads as the parameter's kind.
Status checkValue(const FaultParameter& parameter, std::string_view text) {
  switch (parameter.kind) {
    case FaultParameterKind::size:
      return statusOf(parseSize(text));
    case FaultParameterKind::duration:
      return statusOf(parseDuration(text));
    case FaultParameterKind::count:
      return statusOf(parseCount(text));
    case FaultParameterKind::boolean:
      return statusOf(parseBool(text));
    case FaultParameterKind::choice: {
      if (std::ranges::find(parameter.words, text) != parameter.words.end()) return {};
      const std::string_view near = closest(text, parameter.words);
      return fail(ErrorCode::usage, "'{}' is not one of its values: use {}{}", text,
                  alternatives(parameter.words),
                  near.empty() ? std::string{} : fmt::format(" (did you mean {}?)", near));
    }
    case FaultParameterKind::text:
      break;
  }
  if (text.empty())
    return fail(ErrorCode::usage, "its value is empty; an example: {}", parameter.example);
  return {};
}

tl::unexpected<Error> unknown(std::string_view fault, std::span<const FaultParameter> parameters,
                              std::string_view typed) {
  std::vector<std::string_view> names;
  for (const FaultParameter& parameter : parameters) names.push_back(parameter.name);
  const std::string_view near = closest(typed, names);
  if (!near.empty())
    return fail(ErrorCode::usage, "{} has no parameter -{}: did you mean -{}?", fault, typed, near);
  if (names.empty())
    return fail(ErrorCode::usage, "{} has no parameter -{}: it takes none", fault, typed);
  return fail(ErrorCode::usage, "{} has no parameter -{}: it takes -{}", fault, typed,
              fmt::join(names, ", -"));
}

}  // namespace

Result<FaultArguments> FaultArguments::parse(std::string_view fault,
                                             std::span<const FaultParameter> parameters,
                                             std::span<const GivenParameter> given) {
  FaultArguments result;
  for (const FaultParameter& parameter : parameters)
    result.arguments_[std::string(parameter.name)] = {std::string(parameter.fallback), false};
  for (const auto& [name, text] : given) {
    const auto spec = std::ranges::find(parameters, name, &FaultParameter::name);
    if (spec == parameters.end()) return unknown(fault, parameters, name);
    Argument& argument = result.arguments_[name];
    if (argument.given) return fail(ErrorCode::usage, "{}: -{} is given twice", fault, name);
    if (auto good = checkValue(*spec, text); !good)
      return fail(ErrorCode::usage, "{}: -{}: {}", fault, name, good.error().message);
    argument = {text, true};
  }
  return result;
}

const FaultArguments::Argument& FaultArguments::at(std::string_view name) const {
  const auto found = arguments_.find(name);
  if (found == arguments_.end()) {
    fmt::print(stderr, "redline: internal error: the fault has no parameter -{}\n", name);
    std::abort();
  }
  return found->second;
}

// Values were checked when they were taken; an empty one is a parameter without default.
std::uint64_t FaultArguments::size(std::string_view name) const {
  return parseSize(text(name)).value_or(0);
}
Nanos FaultArguments::duration(std::string_view name) const {
  return parseDuration(text(name)).value_or(0);
}
std::uint64_t FaultArguments::count(std::string_view name) const {
  return parseCount(text(name)).value_or(0);
}
bool FaultArguments::on(std::string_view name) const {
  return parseBool(text(name)).value_or(false);
}
const std::string& FaultArguments::text(std::string_view name) const {
  return at(name).text;
}
bool FaultArguments::given(std::string_view name) const {
  return at(name).given;
}

}  // namespace redline
