#include "base/typed_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"

namespace redline {
namespace {

struct ShortUnit {
  std::uint64_t factor;
  std::string_view name;
};

constexpr std::array<ShortUnit, 5> kSizesByUnit{
    {{1ULL << 40, "TB"}, {1ULL << 30, "GB"}, {1ULL << 20, "MB"}, {1ULL << 10, "KB"}, {1, "B"}}};
constexpr std::array<ShortUnit, 4> kCountsByUnit{
    {{1'000'000'000, "G"}, {1'000'000, "M"}, {1'000, "k"}, {1, ""}}};
constexpr std::array<ShortUnit, 6> kDurationsByUnit{{{3'600'000'000'000, "h"},
                                                     {60'000'000'000, "m"},
                                                     {1'000'000'000, "s"},
                                                     {1'000'000, "ms"},
                                                     {1'000, "us"},
                                                     {1, "ns"}}};

/// The largest unit that divides the number exactly, so that the text parses to the same number.
std::string exactly(std::uint64_t number, std::span<const ShortUnit> largestFirst) {
  for (const auto& [factor, name] : largestFirst)
    if (number != 0 && number % factor == 0) return fmt::format("{}{}", number / factor, name);
  return fmt::format("{}{}", number, largestFirst.back().name);
}

std::string canonical(std::uint64_t number, ValueKind kind) {
  return kind == ValueKind::size ? exactly(number, kSizesByUnit) : exactly(number, kCountsByUnit);
}
std::string canonical(Nanos span, ValueKind) {
  return span == 0 ? "0" : exactly(static_cast<std::uint64_t>(span), kDurationsByUnit);
}
std::string canonical(double number, ValueKind kind) {
  constexpr double kExact = 0x1p53;
  if (kind == ValueKind::rate && number < kExact && number == std::floor(number))
    return canonical(static_cast<std::uint64_t>(number), ValueKind::count);
  return fmt::format("{}", number);
}
std::string canonical(bool on, ValueKind) {
  return on ? "true" : "false";
}

std::string_view exampleOf(const ValueSpec& spec) {
  return spec.example.empty() ? exampleOf(spec.kind) : spec.example;
}

template <typename T>
Result<TypedValue> typed(const ValueSpec& spec, const Result<T>& value) {
  if (!value) return fail(value.error());
  return TypedValue{*value, canonical(*value, spec.kind)};
}

/// The same of a kind that has a zero and nothing below it.
template <typename T>
Result<TypedValue> amount(const ValueSpec& spec, std::string_view text, const Result<T>& value) {
  if (value && spec.positive && *value == 0)
    return fail(ErrorCode::usage, "'{}' is too small: it must be more than zero, e.g. {}", text,
                exampleOf(spec));
  return typed(spec, value);
}

Result<TypedValue> parseDecimal(const ValueSpec& spec, std::string_view text) {
  const auto number = parseNumber(text);
  if (number && *number < 0)
    return fail(ErrorCode::usage, "'{}' is too small: use a number {} 0, e.g. {}", text,
                spec.positive ? "above" : "from", exampleOf(spec));
  return amount(spec, text, number);
}

Result<TypedValue> parseRate(const ValueSpec& spec, std::string_view text) {
  constexpr std::array<std::pair<char, double>, 3> kUnits{{{'k', 1e3}, {'m', 1e6}, {'g', 1e9}}};
  std::string_view digits = trim(text);
  const char last = digits.empty() ? '\0' : toLower(digits.substr(digits.size() - 1))[0];
  const auto* const unit = std::ranges::find(kUnits, last, &std::pair<char, double>::first);
  if (unit != kUnits.end()) digits.remove_suffix(1);
  const auto number = parseNumber(digits);
  if (!number || *number < 0 || last == '%')
    return fail(ErrorCode::usage,
                "'{}' is not a rate: use a number a second, with k, M or G if you like, e.g. {}",
                text, exampleOf(spec));
  return amount(spec, text,
                Result<double>(unit == kUnits.end() ? *number : *number * unit->second));
}

Result<TypedValue> parseShare(const ValueSpec& spec, std::string_view text) {
  const auto share = parseNumber(text);
  if (share && (*share < 0 || *share > 1))
    return fail(ErrorCode::usage, "'{}' is not a share: use 0 to 1 or a percentage, e.g. {}", text,
                exampleOf(spec));
  return amount(spec, text, share);
}

Result<TypedValue> parseChoice(const ValueSpec& spec, std::string_view text) {
  if (std::ranges::find(spec.choices, text) != spec.choices.end())
    return TypedValue{std::string(text), std::string(text)};
  const std::string_view near = closest(text, spec.choices);
  return fail(ErrorCode::usage, "'{}' is not a valid value: use {}{}", text,
              alternatives(spec.choices),
              near.empty() ? std::string{} : fmt::format(" (did you mean {}?)", near));
}

Result<TypedValue> parseByKind(const ValueSpec& spec, std::string_view text) {
  switch (spec.kind) {
    case ValueKind::count:
      return amount(spec, text, parseCount(text));
    case ValueKind::size:
      return amount(spec, text, parseSize(text));
    case ValueKind::duration:
      return amount(spec, text, parseDuration(text));
    case ValueKind::number:
      return parseDecimal(spec, text);
    case ValueKind::rate:
      return parseRate(spec, text);
    case ValueKind::share:
      return parseShare(spec, text);
    case ValueKind::boolean:
      return typed(spec, parseBool(text));
    case ValueKind::choice:
      return parseChoice(spec, text);
    case ValueKind::cpuList: {
      auto cpus = parseCpuList(text);
      if (!cpus) return fail(cpus.error());
      return TypedValue{std::move(*cpus), std::string(text)};
    }
    case ValueKind::text:
    case ValueKind::path:
    case ValueKind::hostPort:
    case ValueKind::endpoints:
      break;
  }
  return TypedValue{std::string(text), std::string(text)};
}

std::optional<unsigned> cpuNumber(std::string_view text) {
  constexpr unsigned kMostCpus = 4096;
  const auto number = toNumber<unsigned>(text);
  return number && *number < kMostCpus ? number : std::nullopt;
}

struct KindWords {
  std::string_view name, example;
};

KindWords wordsOf(ValueKind kind) {
  switch (kind) {
    case ValueKind::count:
      return {"a count", "100k"};
    case ValueKind::size:
      return {"a size", "4KB"};
    case ValueKind::duration:
      return {"a duration", "2s"};
    case ValueKind::number:
      return {"a number", "1.2"};
    case ValueKind::rate:
      return {"a rate", "10k"};
    case ValueKind::share:
      return {"a share from 0 to 1", "0.3"};
    case ValueKind::boolean:
      return {"true or false", "true"};
    case ValueKind::cpuList:
      return {"a list of CPUs", "0,2-3"};
    case ValueKind::hostPort:
    case ValueKind::endpoints:
      return {"an address", "127.0.0.1:7600"};
    case ValueKind::path:
      return {"a path", "file"};
    case ValueKind::text:
    case ValueKind::choice:
      break;
  }
  return {"a text", "allkeys-lru"};
}

/// Content of the kind, between the limits.
Result<TypedValue> parseWithinLimits(const ValueSpec& spec, std::string_view text) {
  auto parsed = parseByKind(spec, text);
  if (!parsed) return parsed;
  const auto limit = [&spec](std::string_view at) {
    return parseByKind({.kind = spec.kind}, at).value().content;
  };
  if (!spec.least.empty() && parsed->content < limit(spec.least))
    return fail(ErrorCode::usage, "'{}' is too small: at least {}", text, spec.least);
  if (!spec.most.empty() && limit(spec.most) < parsed->content)
    return fail(ErrorCode::usage, "'{}' is too large: at most {}", text, spec.most);
  return parsed;
}

}  // namespace

Result<TypedValue> parseValue(const ValueSpec& spec, std::string_view text) {
  if (spec.kind == ValueKind::choice || spec.choices.empty()) return parseWithinLimits(spec, text);
  if (std::ranges::find(spec.choices, text) != spec.choices.end())
    return TypedValue{{}, std::string(text)};
  auto parsed = parseWithinLimits(spec, text);
  if (!parsed)
    return fail(parsed.error().code, "{}, or the word {}", parsed.error().message,
                alternatives(spec.choices));
  return parsed;
}

std::vector<std::string_view> listElements(std::string_view text) {
  auto elements = split(text, ',');
  for (std::string_view& element : elements) element = trim(element);
  return elements;
}

Result<std::vector<unsigned>> parseCpuList(std::string_view text) {
  std::vector<unsigned> cpus;
  for (const std::string_view part : listElements(text)) {
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

std::string_view nameOf(ValueKind kind) {
  return wordsOf(kind).name;
}

std::string_view exampleOf(ValueKind kind) {
  return wordsOf(kind).example;
}

}  // namespace redline
