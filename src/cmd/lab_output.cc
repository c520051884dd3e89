#include "cmd/lab_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "base/units.h"
#include "cmd/text.h"
#include "os/console.h"

namespace redline {
namespace {

std::string standingMark(Standing standing) {
  switch (standing) {
    case Standing::contradicts:
      return "not as expected: ";
    case Standing::inconclusive:
      return "inconclusive: ";
    case Standing::problem:
      return "mind: ";
    case Standing::plain:
    case Standing::expected:
      break;
  }
  return "";
}

}  // namespace

void Screen::line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  clear();
  printErr("{}\n", text);
}

void Screen::status(const std::string& text) {
  if (!terminal_) return;
  const std::lock_guard lock(mutex_);
  clear();
  writeLive(printable(text));
  shown_ = true;
}

void Screen::clear() {
  if (shown_) writeLive("\r\x1b[K");
  shown_ = false;
}

void printFindings(const ExperimentDocument& document) {
  printOut("\n{} ({}{})\n", document.title, document.profile,
           document.indicative ? ", indicative" : "");
  for (const LabFinding& finding : document.findings)
    printOut("  - {}{}\n", standingMark(finding.standing), finding.text);
  for (const std::string& advice : document.recommendations) printOut("  > {}\n", advice);
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
