#include "cmd/lab_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/text.h"
#include "base/units.h"
#include "cmd/help.h"
#include "cmd/text.h"
#include "os/console.h"
#include "report/lab_document.h"

namespace redline {
namespace {

/// "caution: the sentence".
std::string marked(const LabFinding& finding) {
  const std::string_view caution = cautionOf(finding.standing);
  return caution.empty() ? finding.text : fmt::format("{}: {}", caution, finding.text);
}

}  // namespace

LabScreen::LabScreen(const LabStyle& style, std::vector<LabDisplay::Part> parts)
    : display_(style, std::move(parts), SteadyClock::read()) {
  if (!style.isTerminal) return;
  clock_ = std::jthread([this](const std::stop_token& stop) {
    constexpr auto kTick = std::chrono::milliseconds(100);
    for (int tick = 1; !stop.stop_requested(); ++tick) {
      std::this_thread::sleep_for(kTick);
      if (tick % 10 != 0) continue;
      const std::lock_guard lock(mutex_);
      if (!isResting_) draw(display_.status(SteadyClock::read()));
    }
  });
}

void LabScreen::opening(std::string_view profile, std::string_view out) {
  const std::lock_guard lock(mutex_);
  print({display_.opening(profile, out)});
}

void LabScreen::begin() {
  const std::lock_guard lock(mutex_);
  const Nanos now = SteadyClock::read();
  display_.begin(now);
  isResting_ = false;
  draw(display_.status(now));
}

void LabScreen::step(const LabStep& step) {
  const std::lock_guard lock(mutex_);
  const LabDisplay::Shown shown = display_.step(step, SteadyClock::read());
  print(shown.lines);
  draw(shown.status);
}

void LabScreen::activity(std::string_view text) {
  const std::lock_guard lock(mutex_);
  display_.activity(text);
  if (!isResting_) draw(display_.status(SteadyClock::read()));
}

void LabScreen::note(std::string_view text) {
  const std::lock_guard lock(mutex_);
  print({display_.note(text)});
  if (!isResting_) draw(display_.status(SteadyClock::read()));
}

void LabScreen::end(const LabOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  isResting_ = true;
  print(display_.end(outcome, SteadyClock::read()));
}

void LabScreen::rest() {
  const std::lock_guard lock(mutex_);
  isResting_ = true;
  wipe();
}

void LabScreen::print(const std::vector<std::string>& lines) {
  wipe();
  for (const std::string& line : lines) writeErr(line + "\n");
}

void LabScreen::draw(const std::string& status) {
  if (status.empty()) return;
  wipe();
  writeLive(status);
  isDrawn_ = true;
}

void LabScreen::wipe() {
  if (isDrawn_) writeLive("\r\x1b[K");
  isDrawn_ = false;
}

namespace {

/// A text behind its mark, in lines of the terminal's width.
void printMarked(std::string_view mark, const std::string& text) {
  constexpr std::size_t kIndent = 4;
  const std::size_t width = std::max<std::size_t>(terminalStyle().width, 2 * kIndent);
  for (const std::string& line : wrap(text, width - kIndent)) {
    printOut("{:<{}}{}\n", mark, kIndent, line);
    mark = "";
  }
}

}  // namespace

void printFindings(const ExperimentDocument& document) {
  printOut("\n{} ({}{})\n", document.title, document.profile,
           document.indicative ? ", indicative" : "");
  for (const LabFinding& finding : document.findings) printMarked("  -", marked(finding));
  for (const std::string& advice : document.recommendations) printMarked("  >", advice);
}

void printParameter(std::string_view name, std::string_view value, std::string_view meaning) {
  const std::size_t width = terminalStyle().width;
  for (const std::string& line : wrap(fmt::format("{} = {}", name, value), width - 4))
    printOut("  {}\n", line);
  for (const std::string& line : wrap(meaning, width - 6)) printOut("      {}\n", line);
}

void printListed(std::string_view name, double seconds, std::string_view title) {
  constexpr std::size_t kTitleColumn = 35;
  std::string start = fmt::format("{:<20} about {:>6}", name,
                                  formatDuration(static_cast<Nanos>(seconds) * kSecond));
  const std::size_t width = std::max(terminalStyle().width, 2 * kTitleColumn);
  for (const std::string& line : wrap(title, width - kTitleColumn)) {
    printOut("{:<{}}{}\n", start, kTitleColumn, line);
    start.clear();
  }
}

}  // namespace redline
