#include "cmd/flag_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"

namespace redline {
namespace {

struct Unit {
  std::uint64_t factor;
  std::string_view name;
};

/// The largest unit that divides the number exactly, so that the text parses to the same number.
template <std::size_t N>
std::string exactly(std::uint64_t number, const std::array<Unit, N>& largestFirst) {
  for (const auto& [factor, name] : largestFirst)
    if (number != 0 && number % factor == 0) return fmt::format("{}{}", number / factor, name);
  return fmt::format("{}{}", number, largestFirst.back().name);
}

constexpr std::array<Unit, 5> kSizeUnits{
    {{1ULL << 40, "TB"}, {1ULL << 30, "GB"}, {1ULL << 20, "MB"}, {1ULL << 10, "KB"}, {1, "B"}}};
constexpr std::array<Unit, 4> kCountUnits{
    {{1'000'000'000, "G"}, {1'000'000, "M"}, {1'000, "k"}, {1, ""}}};
constexpr std::array<Unit, 6> kDurationUnits{{{3'600'000'000'000, "h"},
                                              {60'000'000'000, "m"},
                                              {1'000'000'000, "s"},
                                              {1'000'000, "ms"},
                                              {1'000, "us"},
                                              {1, "ns"}}};

std::optional<unsigned> cpuNumber(std::string_view text) {
  constexpr unsigned kMostCpus = 4096;
  const auto number = toNumber<unsigned>(text);
  return number && *number < kMostCpus ? number : std::nullopt;
}

Result<FlagValue> value(FlagContent content, std::string canonical) {
  FlagValue result;
  result.content = std::move(content);
  result.text = std::move(canonical);
  return result;
}

Result<FlagValue> parseChoice(const FlagSpec& spec, std::string_view text) {
  if (std::ranges::find(spec.words, text) != spec.words.end())
    return value(std::string{text}, std::string{text});
  const std::string_view near = closest(text, spec.words);
  return fail(ErrorCode::usage, "'{}' is not one of its values: use {}{}", text,
              alternatives(spec.words),
              near.empty() ? std::string{} : fmt::format(" (did you mean {}?)", near));
}

Result<FlagValue> parseShare(std::string_view text) {
  const auto number = parseNumber(text);
  if (!number) return fail(number.error());
  if (*number < 0 || *number > 1)
    return fail(ErrorCode::usage, "'{}' is not a share: use 0 to 1 or a percentage, e.g. 0.9",
                text);
  return value(*number, fmt::format("{}", *number));
}

Result<FlagValue> parsePlainNumber(const FlagSpec& spec, std::string_view text) {
  const auto number = parseNumber(text);
  if (!number) return fail(number.error());
  if (*number < 0 || (spec.positive && *number == 0))
    return fail(ErrorCode::usage, "'{}' is too small: use a number {} 0, e.g. {}", text,
                spec.positive ? "above" : "from", spec.example);
  return value(*number, fmt::format("{}", *number));
}

Result<FlagValue> parseEndpoints(std::string_view text) {
  std::vector<Endpoint> endpoints;
  std::string canonical;
  for (const std::string_view part : split(text, ',')) {
    auto endpoint = parseEndpoint(part);
    if (!endpoint) return fail(ErrorCode::usage, "{}", endpoint.error().message);
    if (!canonical.empty()) canonical += ',';
    canonical += endpoint->text();
    endpoints.push_back(std::move(*endpoint));
  }
  return value(std::move(endpoints), std::move(canonical));
}

Result<FlagValue> parseHostPort(std::string_view text) {
  auto endpoint = parseEndpoint(text);
  if (!endpoint) return fail(ErrorCode::usage, "{}", endpoint.error().message);
  if (endpoint->isUnix())
    return fail(ErrorCode::usage, "'{}' is not HOST:PORT, e.g. 127.0.0.1:9100", text);
  std::string canonical = endpoint->text();
  return value(canonical, canonical);
}

tl::unexpected<Error> zero(const FlagSpec& spec, std::string_view text) {
  return fail(ErrorCode::usage, "'{}' is too small: it must be more than zero, e.g. {}", text,
              spec.example.empty() ? spec.fallback : spec.example);
}

Result<FlagValue> parseWhole(const FlagSpec& spec, std::string_view text, bool size) {
  const auto number = size ? parseSize(text) : parseCount(text);
  if (!number) return fail(number.error());
  if (spec.positive && *number == 0) return zero(spec, text);
  return value(*number, size ? exactly(*number, kSizeUnits) : exactly(*number, kCountUnits));
}

Result<FlagValue> parseSpan(const FlagSpec& spec, std::string_view text) {
  const auto span = parseDuration(text);
  if (!span) return fail(span.error());
  if (spec.positive && *span == 0) return zero(spec, text);
  return value(*span,
               *span == 0 ? "0" : exactly(static_cast<std::uint64_t>(*span), kDurationUnits));
}

Result<FlagValue> parseByKind(const FlagSpec& spec, std::string_view text) {
  switch (spec.kind) {
    case FlagKind::size:
      return parseWhole(spec, text, true);
    case FlagKind::count:
      return parseWhole(spec, text, false);
    case FlagKind::duration:
      return parseSpan(spec, text);
    case FlagKind::number:
      return parsePlainNumber(spec, text);
    case FlagKind::share:
      return parseShare(text);
    case FlagKind::choice:
      return parseChoice(spec, text);
    case FlagKind::endpoints:
      return parseEndpoints(text);
    case FlagKind::hostPort:
      return parseHostPort(text);
    case FlagKind::boolean: {
      const auto on = parseBool(text);
      if (!on) return fail(on.error());
      return value(*on, *on ? "true" : "false");
    }
    case FlagKind::cpuList: {
      auto cpus = parseCpuList(text);
      if (!cpus) return fail(cpus.error());
      return value(std::move(*cpus), std::string{text});
    }
    case FlagKind::text:
    case FlagKind::path:
      break;
  }
  return value(std::string{text}, std::string{text});
}

}  // namespace

Result<FlagValue> parseFlagValue(const FlagSpec& spec, std::string_view text) {
  if (text.empty()) {
    if (spec.fallback.empty()) return value(FlagContent{}, "");
    return fail(ErrorCode::usage, "its value is empty; an example: {}",
                spec.example.empty() ? spec.fallback : spec.example);
  }
  if (spec.kind != FlagKind::choice && std::ranges::find(spec.words, text) != spec.words.end())
    return value(FlagContent{}, std::string{text});
  auto parsed = parseByKind(spec, text);
  if (!parsed && spec.kind != FlagKind::choice && !spec.words.empty())
    return fail(parsed.error().code, "{}, or the word {}", parsed.error().message,
                alternatives(spec.words));
  return parsed;
}

Result<std::vector<unsigned>> parseCpuList(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string_view part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = cpuNumber(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : cpuNumber(part.substr(dash + 1));
    if (!first || !last || *last < *first)
      return fail(ErrorCode::usage,
                  "'{}' is not a list of CPUs: use numbers and ranges, e.g. 0,2-3", text);
    for (unsigned cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
  }
  std::ranges::sort(cpus);
  const auto repeated = std::ranges::unique(cpus);
  cpus.erase(repeated.begin(), repeated.end());
  return cpus;
}

const FlagValue& FlagValues::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    fmt::print(stderr, "redline: internal error: no flag -{} in this command's table\n", name);
    std::abort();
  }
  return found->second;
}

template <typename T>
const T& FlagValues::get(std::string_view name) const {
  static const T none{};
  const FlagValue& found = at(name);
  if (std::holds_alternative<std::monostate>(found.content)) return none;
  if (const T* const content = std::get_if<T>(&found.content)) return *content;
  fmt::print(stderr, "redline: internal error: -{} is of another kind\n", name);
  std::abort();
}

std::uint64_t FlagValues::size(std::string_view name) const {
  return get<std::uint64_t>(name);
}
std::uint64_t FlagValues::count(std::string_view name) const {
  return get<std::uint64_t>(name);
}
Nanos FlagValues::duration(std::string_view name) const {
  return get<Nanos>(name);
}
double FlagValues::number(std::string_view name) const {
  return get<double>(name);
}
bool FlagValues::on(std::string_view name) const {
  return get<bool>(name);
}
const std::string& FlagValues::text(std::string_view name) const {
  return at(name).text;
}

const std::vector<Endpoint>& FlagValues::endpoints(std::string_view name) const {
  return get<std::vector<Endpoint>>(name);
}

const std::vector<unsigned>& FlagValues::cpus(std::string_view name) const {
  return get<std::vector<unsigned>>(name);
}

std::vector<std::pair<std::string, std::string>> FlagValues::config() const {
  std::vector<std::pair<std::string, std::string>> all;
  all.reserve(order_.size());
  for (const auto& name : order_) all.emplace_back(name, at(name).text);
  return all;
}

const std::string& FlagValues::positional(std::string_view name) const {
  static const std::string kNone;
  const auto found = positionals_.find(name);
  return found == positionals_.end() ? kNone : found->second;
}

void FlagValues::set(std::string_view name, FlagValue value) {
  const auto [at, added] = values_.insert_or_assign(std::string{name}, std::move(value));
  if (added) order_.push_back(at->first);
}

void FlagValues::setPositional(std::string_view name, std::string word) {
  positionals_.insert_or_assign(std::string{name}, std::move(word));
}

}  // namespace redline
