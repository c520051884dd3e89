#include "cmd/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "base/units.h"
#include "os/console.h"

namespace redline {
namespace {

constexpr Nanos kRedrawEvery = 200 * kMillisecond;
constexpr Nanos kWriteEvery = 5 * kSecond;
constexpr Nanos kMemory = 15 * kSecond;  ///< of the rate that the time left follows from

double perSecond(std::uint64_t things, Nanos span) {
  return span > 0 ? static_cast<double>(things) * 1e9 / static_cast<double>(span) : 0;
}

}  // namespace

Progress::Progress(WriteText write, bool terminal, std::string_view label, std::uint64_t total)
    : write_(std::move(write)), terminal_(terminal), label_(label), total_(total) {}

Progress::Progress(std::string_view label, std::uint64_t total)
    : Progress(writeLive, isatty(STDERR_FILENO) != 0, label, total) {}

void Progress::update(Nanos now, std::uint64_t done) {
  if (!started_) {
    started_ = true;
    startedAt_ = drawnAt_ = now;
    drawnDone_ = done;
    return;
  }
  if (now - drawnAt_ < (terminal_ ? kRedrawEvery : kWriteEvery)) return;
  // The rate since the last line: what a stall or a warm cache does now, not on average.
  const double rate = perSecond(done - std::min(done, drawnDone_), now - drawnAt_);
  learn(rate, now - drawnAt_);
  draw(line(label_, done, total_, rate, usualRate_), false);
  drawnAt_ = now;
  drawnDone_ = done;
}

// A mean over all of the first seconds, and then one that forgets: a stall of a moment says little
// of when it will be over.
void Progress::learn(double rate, Nanos span) {
  const Nanos known = drawnAt_ - startedAt_ + span;
  const double weight = static_cast<double>(span) / static_cast<double>(std::min(known, kMemory));
  usualRate_ += std::min(1.0, weight) * (rate - usualRate_);
}

void Progress::finish(Nanos now, std::uint64_t done) {
  const Nanos span = started_ ? now - startedAt_ : 0;
  draw(fmt::format("{}  {} in {}  {}/s", label_, formatCount(static_cast<double>(done)),
                   formatDuration(span), formatCount(perSecond(done, span))),
       true);
}

std::string Progress::line(std::string_view label, std::uint64_t done, std::uint64_t total,
                           double rate, double usual) {
  std::string text = fmt::format("{}  {}", label, formatCount(static_cast<double>(done)));
  if (total != 0)
    text += fmt::format(
        " of {} ({}%)", formatCount(static_cast<double>(total)),
        static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total)));
  text += fmt::format("  {}/s", formatCount(rate));
  if (total > done && usual > 0) {
    const double seconds = static_cast<double>(total - done) / usual;
    constexpr double kDay = 86'400;
    text += seconds < kDay ? fmt::format("  {} left", formatDuration(fromSeconds(seconds)))
                           : std::string{"  more than a day left"};
  }
  return text;
}

void Progress::draw(const std::string& text, bool last) {
  if (terminal_) {
    // Blanks over what the longer line before left behind, rather than an escape sequence.
    write_(fmt::format("\r{:<{}}{}", text, drawnLength_, last ? "\n" : ""));
    drawnLength_ = text.size();
  } else {
    write_(text + "\n");
  }
}

StatusLine::StatusLine() : StatusLine(writeLive, isatty(STDERR_FILENO) != 0) {}

void StatusLine::update(Nanos now, const std::string& given) {
  constexpr Nanos kFirstWrite = 2 * kSecond;
  if (!drawnAt_) drawnAt_ = terminal_ ? now - kRedrawEvery : now - kWriteEvery + kFirstWrite;
  if (now - *drawnAt_ < (terminal_ ? kRedrawEvery : kWriteEvery)) return;
  drawnAt_ = now;
  const std::string text = printable(given);
  if (!terminal_) {
    write_(text + "\n");
  } else {
    write_(fmt::format("\r{:<{}}", text, drawnLength_));
    drawnLength_ = text.size();
  }
}

void StatusLine::clear() {
  if (drawnLength_ == 0) return;
  write_(fmt::format("\r{:<{}}\r", "", drawnLength_));
  drawnLength_ = 0;
}

}  // namespace redline
