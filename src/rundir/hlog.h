#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "record/histogram.h"

namespace redline {

// HdrHistogram's interval log (latency.hlog), written from its published layout: text lines, each
// with one histogram of nanoseconds in the compressed V2 encoding. HdrHistogram's own tools, in any
// language, read it.

/// The V2 encoding: header, then the counts as ZigZag LEB128, a run of n zeros as −n, up to the
/// highest slot in use.
std::string encodeHistogram(const Histogram& histogram);

/// Reads any V2 encoding with 1 ns resolution, 3 significant
/// digits and no value above Histogram::kHighest; anything else is ErrorCode::invalidInput. The
/// encoding keeps slots, not values: minimum and maximum come back as the bounds of their slots.
Result<Histogram> decodeHistogram(std::string_view bytes);

/// encodeHistogram, deflated, with its own small header, in base64: the last column of a log line.
std::string encodeCompressed(const Histogram& histogram);
Result<Histogram> decodeCompressed(std::string_view base64);
/// The same into a histogram that is reset first. For those who read many: a new one takes 264 KiB.
/// After an error it is empty or holds a part.
Status decodeCompressed(std::string_view base64, Histogram& histogram);

/// The comments and the legend that a log begins with. `wallStart` is the wall-clock time, in
/// nanoseconds since 1970, of the run's zero: line times count from there.
std::string hlogHeader(Nanos wallStart);

/// "Tag=response,start,length,max,histogram\n". `start` and `end` count from the run's zero and are
/// written in seconds, the maximum in milliseconds.
std::string hlogLine(std::string_view tag, Nanos start, Nanos end, const Histogram& histogram);

/// One line of a log, its histogram still packed (unpacked it takes 264 KiB).
struct LoggedHistogram {
  std::string tag;  ///< empty when the line has none
  Nanos start = 0;  ///< from the log's base time
  Nanos length = 0;
  std::string packed;

  Result<Histogram> histogram() const { return decodeCompressed(packed); }
};

/// A whole log, every histogram of which was decoded once and found sound.
struct HistogramLog {
  double startTime = 0;  ///< seconds since 1970; 0 when the log does not say
  double baseTime = 0;   ///< what line times count from, seconds since 1970; 0: they are absolute
  std::vector<LoggedHistogram> lines;
  std::map<std::string, Histogram, std::less<>> merged;  ///< by tag, all lines added up
};

/// `name` is put before the line number in errors. A last line without its newline, torn by a
/// crash, is left out and reported in `warnings`.
Result<HistogramLog> parseHlog(std::string_view text, std::string_view name,
                               std::vector<std::string>& warnings);

}  // namespace redline
