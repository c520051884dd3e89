#include "chaos/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/suggest.h"
#include "os/console.h"

namespace redline {
namespace {

/// `text` as the parameter's kind.
Result<ValueContent> contentOf(const FaultParameter& parameter, std::string_view text) {
  if (text.empty())
    return fail(ErrorCode::usage, "the value is empty; an example: {}",
                parameter.example.empty() ? exampleOf(parameter.kind) : parameter.example);
  auto value = parseValue(parameter.value(), text);
  if (!value) return fail(value.error());
  return std::move(value->content);
}

tl::unexpected<Error> unknown(std::string_view fault, std::span<const FaultParameter> parameters,
                              std::string_view typed) {
  std::vector<std::string_view> names;
  for (const FaultParameter& parameter : parameters) names.push_back(parameter.name);
  if (const std::string hint = didYouMean(typed, names, "-"); !hint.empty())
    return fail(ErrorCode::usage, "{} has no parameter -{}{}", fault, typed, hint);
  if (names.empty())
    return fail(ErrorCode::usage, "{} has no parameter -{}: it has none", fault, typed);
  return fail(ErrorCode::usage, "{} has no parameter -{}: use -{}", fault, typed,
              fmt::join(names, ", -"));
}

}  // namespace

Result<FaultArguments> FaultArguments::parse(std::string_view fault,
                                             std::span<const FaultParameter> parameters,
                                             std::span<const GivenParameter> given) {
  FaultArguments result;
  for (const FaultParameter& parameter : parameters) {
    Argument& argument = result.arguments_[std::string(parameter.name)];
    if (parameter.fallback.empty()) continue;
    argument.text = parameter.fallback;
    argument.content = contentOf(parameter, parameter.fallback).value();
  }
  for (const auto& [name, text] : given) {
    const auto spec = std::ranges::find(parameters, name, &FaultParameter::name);
    if (spec == parameters.end()) return unknown(fault, parameters, name);
    Argument& argument = result.arguments_[name];
    if (argument.given) return fail(ErrorCode::usage, "{}: duplicate parameter -{}", fault, name);
    auto content = contentOf(*spec, text);
    if (!content)
      return fail(ErrorCode::usage, "{}: -{}: {}", fault, name, content.error().message);
    argument = {std::move(*content), text, true};
  }
  return result;
}

const FaultArguments::Argument& FaultArguments::at(std::string_view name) const {
  const auto found = arguments_.find(name);
  if (found == arguments_.end()) {
    printErr("redline: internal error: the fault has no parameter -{}\n", name);
    std::abort();
  }
  return found->second;
}

template <typename T>
T FaultArguments::get(std::string_view name) const {
  const Argument& found = at(name);
  if (std::holds_alternative<std::monostate>(found.content)) return {};
  if (const T* const value = std::get_if<T>(&found.content)) return *value;
  printErr("redline: internal error: parameter -{} is of another kind\n", name);
  std::abort();
}

std::uint64_t FaultArguments::size(std::string_view name) const {
  return get<std::uint64_t>(name);
}
Nanos FaultArguments::duration(std::string_view name) const {
  return get<Nanos>(name);
}
std::uint64_t FaultArguments::count(std::string_view name) const {
  return get<std::uint64_t>(name);
}
bool FaultArguments::on(std::string_view name) const {
  return get<bool>(name);
}
const std::string& FaultArguments::text(std::string_view name) const {
  return at(name).text;
}
bool FaultArguments::given(std::string_view name) const {
  return at(name).given;
}

}  // namespace redline
