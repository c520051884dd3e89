#include "rundir/hlog.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <ctime>
#include <optional>

#include "rundir/lines.h"

namespace redline {
namespace {

constexpr std::string_view kVersionPrefix = "#[Histogram log format version 1.";
constexpr std::string_view kStartPrefix = "#[StartTime: ";
constexpr std::string_view kBasePrefix = "#[BaseTime: ";

std::optional<double> leadingNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<Nanos> nanosOf(std::string_view text) {
  const auto value = leadingNumber(text);
  if (!value || std::abs(*value) > 9e9) return std::nullopt;
  return fromSeconds(*value);
}

/// Cuts the part before the next comma off `text`.
std::string_view nextField(std::string_view& text) {
  const std::size_t comma = std::min(text.find(','), text.size());
  const std::string_view field = text.substr(0, comma);
  text.remove_prefix(std::min(comma + 1, text.size()));
  return field;
}

Result<LoggedHistogram> parseLine(std::string_view line) {
  LoggedHistogram logged;
  if (line.starts_with("Tag=")) {
    line.remove_prefix(4);
    logged.tag = nextField(line);
  }
  const auto start = nanosOf(nextField(line));
  const auto length = nanosOf(nextField(line));
  const auto max = leadingNumber(nextField(line));
  if (!start || !length || !max)
    return fail(ErrorCode::invalidInput, "expected [Tag=name,]start,length,max,histogram");
  logged.start = *start;
  logged.length = *length;
  logged.packed = line;
  return logged;
}

Status takeComment(std::string_view line, HistogramLog& log) {
  if (line.starts_with("#[Histogram log format version ") && !line.starts_with(kVersionPrefix))
    return fail(ErrorCode::invalidInput, "a log of another version than 1.x: {}", line);
  if (line.starts_with(kStartPrefix))
    log.startTime = leadingNumber(line.substr(kStartPrefix.size())).value_or(0);
  if (line.starts_with(kBasePrefix))
    log.baseTime = leadingNumber(line.substr(kBasePrefix.size())).value_or(0);
  return {};
}

Status takeLine(std::string_view line, HistogramLog& log) {
  if (line.empty() || line.starts_with("\"StartTimestamp\"")) return {};
  if (line.starts_with('#')) return takeComment(line, log);
  auto logged = parseLine(line);
  if (!logged) return fail(logged.error());
  const auto histogram = logged->histogram();
  if (!histogram) return fail(histogram.error());
  log.merged[logged->tag].add(*histogram);
  log.lines.push_back(std::move(*logged));
  return {};
}

}  // namespace

std::string hlogHeader(Nanos wallStart) {
  const auto whole = static_cast<std::time_t>(wallStart / kSecond);
  return fmt::format(
      "#[redline: nanoseconds; warm-up under tags of its own (warmup-response, ...)]\n"
      "#[Histogram log format version 1.3]\n"
      "#[StartTime: {0:.3f} (seconds since epoch), {1:%a %b %d %H:%M:%S} UTC {1:%Y}]\n"
      "#[BaseTime: {0:.3f} (seconds since epoch)]\n"
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
      toSeconds(wallStart), fmt::gmtime(whole));
}

std::string hlogLine(std::string_view tag, Nanos start, Nanos end, const Histogram& histogram) {
  return fmt::format("Tag={},{:.3f},{:.3f},{:.3f},{}\n", tag, toSeconds(start),
                     toSeconds(end - start),
                     static_cast<double>(histogram.max()) / static_cast<double>(kMillisecond),
                     encodeCompressed(histogram));
}

Result<HistogramLog> parseHlog(std::string_view text, std::string_view name,
                               std::vector<std::string>& warnings) {
  HistogramLog log;
  std::size_t number = 0;
  for (const std::string_view line : wholeLines(text, name, warnings)) {
    ++number;
    if (auto taken = takeLine(line, log); !taken)
      return fail(taken.error().code, "{}:{}: {}", name, number, taken.error().message);
  }
  return log;
}

}  // namespace redline
