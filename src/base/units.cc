#include "base/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "base/text.h"

namespace redline {
namespace {

__extension__ using Wide = unsigned __int128;

/// A decimal number as typed, exactly: digits × 10^exponent. "1.5" is 15 × 10^-1.
struct Decimal {
  std::uint64_t digits = 0;
  int exponent = 0;
  std::string_view rest;  ///< what follows the number
};

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

bool isDigit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads "12", "1.5" or "1e6" at the start of `text`; nothing where there is no number, or where it
/// does not fit 64 bits without its point and exponent.
std::optional<Decimal> readDecimal(std::string_view text) {
  Decimal number;
  std::size_t at = 0;
  bool point = false;
  for (; at < text.size() && (isDigit(text[at]) || (text[at] == '.' && !point)); ++at) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    const auto digit = static_cast<std::uint64_t>(text[at] - '0');
    if (number.digits > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
      return std::nullopt;
    number.digits = number.digits * 10 + digit;
    if (point) --number.exponent;
  }
  if (at == 0 || (at == 1 && point)) return std::nullopt;
  if (at + 1 < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    int power = 0;
    const char* const begin = text.data() + at + 1 + (text[at + 1] == '+' ? 1 : 0);
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), power);
    if (error == std::errc{} && end != begin && std::abs(power) <= 36) {
      number.exponent += power;
      at = static_cast<std::size_t>(end - text.data());
    }
  }
  number.rest = text.substr(at);
  return number;
}

enum class Scaling { exact, tooLarge, fraction };

/// digits × 10^exponent × factor, rounded down; says so where it does not fit or was not whole.
Scaling scale(const Decimal& number, std::uint64_t factor, std::uint64_t limit,
              std::uint64_t& result) {
  Wide value = static_cast<Wide>(number.digits) * factor;
  Scaling how = Scaling::exact;
  for (int e = number.exponent; e < 0 && value != 0; ++e) {
    if (value % 10 != 0) how = Scaling::fraction;
    value /= 10;
  }
  for (int e = number.exponent; e > 0 && value != 0; --e) {
    value *= 10;
    if (value > limit) return Scaling::tooLarge;
  }
  if (value > limit) return Scaling::tooLarge;
  result = static_cast<std::uint64_t>(value);
  return how;
}

constexpr std::array<Unit, 14> kSizeUnits{{{"", 1},
                                           {"B", 1},
                                           {"KB", 1ULL << 10},
                                           {"MB", 1ULL << 20},
                                           {"GB", 1ULL << 30},
                                           {"TB", 1ULL << 40},
                                           {"KiB", 1ULL << 10},
                                           {"MiB", 1ULL << 20},
                                           {"GiB", 1ULL << 30},
                                           {"TiB", 1ULL << 40},
                                           {"K", 1ULL << 10},
                                           {"M", 1ULL << 20},
                                           {"G", 1ULL << 30},
                                           {"T", 1ULL << 40}}};

constexpr std::array<Unit, 4> kCountUnits{
    {{"", 1}, {"k", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000}}};

// Both the micro sign (U+00B5) and the Greek mu (U+03BC) are in use. Longer names first.
constexpr std::array<Unit, 8> kDurationUnits{{{"ns", 1},
                                              {"us", 1'000},
                                              {"\u00b5s", 1'000},
                                              {"\u03bcs", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"m", 60'000'000'000},
                                              {"h", 3'600'000'000'000}}};

template <typename Same>
const Unit* findUnit(std::span<const Unit> units, std::string_view name, Same same) {
  const auto found =
      std::ranges::find_if(units, [&](const Unit& unit) { return same(unit.name, name); });
  return found == units.end() ? nullptr : &*found;
}

constexpr std::string_view kSizeHint = "use bytes with B, KB, MB, GB or TB, e.g. 4KB";
constexpr std::string_view kCountHint = "use a whole number, with k, M or G if you like, e.g. 1.5M";
constexpr std::string_view kDurationHint =
    "use a number with ns, us, ms, s, m or h, e.g. 250us or 2h30m";

tl::unexpected<Error> wrong(std::string_view text, std::string_view what, std::string_view hint) {
  if (text.empty()) return fail(ErrorCode::usage, "an empty value is {}: {}", what, hint);
  return fail(ErrorCode::usage, "'{}' is {}: {}", text, what, hint);
}

/// The part of `rest` up to the next digit: the unit of one term of "2h30m".
std::string_view unitOf(std::string_view rest) {
  const auto end = std::ranges::find_if(rest, isDigit);
  return rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
}

/// At most three significant digits, no trailing zeros; `value` in [0, 1000).
std::string threeDigits(double value) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

struct Step {
  std::string_view suffix;
  double factor;
};

/// `value` in the largest step that keeps its number at 1 or more, rounding included.
std::string inSteps(double value, std::span<const Step> steps, double base) {
  std::size_t at = 0;
  while (at + 1 < steps.size() && value / steps[at].factor >= base - 0.5) ++at;
  return threeDigits(value / steps[at].factor) + std::string{steps[at].suffix};
}

std::string twoUnits(Nanos span, Nanos large, char largeName, Nanos small, char smallName) {
  const Nanos rounded = span / small + (span % small >= small / 2 ? 1 : 0);
  const Nanos whole = rounded / (large / small);
  const Nanos part = rounded % (large / small);
  if (part == 0) return fmt::format("{}{}", whole, largeName);
  return fmt::format("{}{}{:02}{}", whole, largeName, part, smallName);
}

}  // namespace

Result<std::uint64_t> parseSize(std::string_view text) {
  const auto number = readDecimal(trim(text));
  if (!number) return wrong(text, "not a size", kSizeHint);
  const Unit* const unit = findUnit(kSizeUnits, trim(number->rest), equalIgnoringCase);
  if (unit == nullptr) return wrong(text, "not a size", kSizeHint);
  std::uint64_t bytes = 0;
  const auto how = scale(*number, unit->factor, std::numeric_limits<std::uint64_t>::max(), bytes);
  if (how == Scaling::tooLarge) return wrong(text, "too large for a size", "the limit is 16 EB");
  if (how == Scaling::fraction && unit->factor == 1)
    return wrong(text, "not a whole number of bytes", kSizeHint);
  return bytes;
}

Result<Nanos> parseDuration(std::string_view text) {
  std::string_view rest = trim(text);
  if (rest == "0") return Nanos{0};
  Nanos total = 0;
  std::uint64_t larger = 0;  // the unit before: "2h30m" goes down, "30m2h" is a slip
  do {
    const auto number = readDecimal(rest);
    if (!number) return wrong(text, "not a duration", kDurationHint);
    const std::string_view name = unitOf(number->rest);
    const Unit* const unit =
        findUnit(kDurationUnits, trim(name), [](auto a, auto b) { return a == b; });
    if (unit == nullptr)
      return wrong(text, trim(name).empty() ? "a duration without a unit" : "not a duration",
                   kDurationHint);
    if (larger != 0 && unit->factor >= larger) return wrong(text, "not a duration", kDurationHint);
    larger = unit->factor;
    std::uint64_t term = 0;
    const auto room = static_cast<std::uint64_t>(std::numeric_limits<Nanos>::max() - total);
    if (scale(*number, unit->factor, room, term) == Scaling::tooLarge)
      return wrong(text, "too long for a duration", "the limit is 292 years");
    total += static_cast<Nanos>(term);
    rest = number->rest.substr(name.size());
  } while (!rest.empty());
  return total;
}

Result<std::uint64_t> parseCount(std::string_view text) {
  const auto number = readDecimal(trim(text));
  if (!number) return wrong(text, "not a count", kCountHint);
  const Unit* const unit = findUnit(kCountUnits, trim(number->rest), equalIgnoringCase);
  if (unit == nullptr) return wrong(text, "not a count", kCountHint);
  std::uint64_t count = 0;
  switch (scale(*number, unit->factor, std::numeric_limits<std::uint64_t>::max(), count)) {
    case Scaling::tooLarge:
      return wrong(text, "too large for a count", "the limit is 2^64 - 1");
    case Scaling::fraction:
      return wrong(text, "not a whole number", kCountHint);
    case Scaling::exact:
      break;
  }
  return count;
}

Result<double> parseNumber(std::string_view text) {
  constexpr std::string_view kHint = "use a decimal number or a percentage, e.g. 0.9 or 30%";
  std::string_view digits = trim(text);
  const bool percent = !digits.empty() && digits.back() == '%';
  if (percent) digits = trim(digits.substr(0, digits.size() - 1));
  if (digits.size() > 1 && digits.front() == '+' && digits[1] != '-') digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  // from_chars also reads "inf" and "nan", which no quantity here can be.
  if (error != std::errc{} || end != digits.data() + digits.size() || !std::isfinite(value))
    return wrong(text, "not a number", kHint);
  return percent ? value / 100 : value;
}

Result<bool> parseBool(std::string_view text) {
  for (const std::string_view yes : {"true", "yes", "on", "1"})
    if (equalIgnoringCase(text, yes)) return true;
  for (const std::string_view no : {"false", "no", "off", "0"})
    if (equalIgnoringCase(text, no)) return false;
  return wrong(text, "neither true nor false", "use true, false, yes, no, on, off, 1 or 0");
}

std::string formatSize(std::uint64_t bytes) {
  static constexpr std::array<Step, 6> kSteps{{{" B", 1},
                                               {" KB", 0x1p10},
                                               {" MB", 0x1p20},
                                               {" GB", 0x1p30},
                                               {" TB", 0x1p40},
                                               {" EB", 0x1p60}}};
  // Up to five steps, with no PB: nothing here holds a petabyte, and 1024 TB reads well enough.
  const auto value = static_cast<double>(bytes);
  return inSteps(value, std::span{kSteps}.first(value < 0x1p60 ? 5 : 6), 1000);
}

std::string formatDuration(Nanos span) {
  if (span < 0) {
    if (span == std::numeric_limits<Nanos>::min()) ++span;
    return "-" + formatDuration(-span);
  }
  if (span == 0) return "0 s";
  constexpr Nanos kMinute = 60 * kSecond;
  constexpr Nanos kHour = 60 * kMinute;
  if (span >= kHour - 500 * kMillisecond) return twoUnits(span, kHour, 'h', kMinute, 'm');
  if (span >= kMinute - 50 * kMillisecond) return twoUnits(span, kMinute, 'm', kSecond, 's');
  static constexpr std::array<Step, 4> kSteps{
      {{" ns", 1}, {" \u00b5s", 1e3}, {" ms", 1e6}, {" s", 1e9}}};
  return inSteps(static_cast<double>(span), kSteps, 1000);
}

std::string formatMicros(double us) {
  return formatDuration(fromMicros(us));
}

std::string formatCount(double count) {
  if (!std::isfinite(count)) return "?";
  if (count < 0) return "-" + formatCount(-count);
  static constexpr std::array<Step, 5> kSteps{
      {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}}};
  return inSteps(count, kSteps, 1000);
}

std::string formatShare(double share) {
  if (!std::isfinite(share)) return "–";
  const double hundred = share * 100;
  for (int digits = 1; digits < 6; ++digits) {
    std::string text = fmt::format("{:.{}f}%", hundred, digits);
    const double shown = std::stod(text);
    const bool edge = (shown == 100 && hundred < 100) || (shown == 0 && hundred > 0);
    if (!edge) return text;
  }
  return hundred > 50 ? "> 99.99999%" : "< 0.00001%";
}

std::string formatQuantity(double value, std::string_view unit) {
  if (!std::isfinite(value)) return "–";
  if (unit == "us") return formatMicros(value);
  if (unit == "s") {
    constexpr double kLongest = 9e9;  // what Nanos can hold, 285 years
    const std::string text = formatDuration(fromSeconds(std::clamp(value, -kLongest, kLongest)));
    return value > kLongest ? "> " + text : value < -kLongest ? "< " + text : text;
  }
  if (unit == "share") return formatShare(value);
  if (unit == "bytes")
    return formatSize(static_cast<std::uint64_t>(std::llround(std::max(value, 0.0))));
  if (unit == "count") return formatCount(value);
  if (unit == "x")  // "0.25×", "4.6k×"
    return (std::abs(value) < 999.5 ? fmt::format("{:.3g}", value) : formatCount(value)) + "×";
  return formatCount(value) + std::string(unit == "ops/s" ? "/s" : fmt::format(" {}", unit));
}

}  // namespace redline
