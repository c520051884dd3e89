#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "lab/runner.h"
#include "lab/step.h"
#include "rundir/experiment.h"

namespace redline {

/// How output looks where it goes to.
struct LabStyle {
  bool isTerminal = false;  ///< a status line is redrawn; else there is a line for each run
  bool isColoured = false;
  bool isVerbose = false;  ///< a line for each run on a terminal too, with its directory
  std::size_t width = 80;  ///< columns of the terminal
};

/// The style for a file descriptor: of a terminal its width, and colours unless NO_COLOR is set.
LabStyle labStyleOf(int fd);

/// What `lab run` shows while it runs: lines that stay and, on a terminal, one status line. Sans
/// I/O: times come in, texts go out.
class LabDisplay {
 public:
  struct Part {
    std::string name, title;
    double expectedS = 0;
  };
  struct Shown {
    std::vector<std::string> lines{};
    std::string status{};  ///< empty: none; only on a terminal
  };

  LabDisplay(LabStyle style, std::vector<Part> parts, Nanos now)
      : style_(style), parts_(std::move(parts)), began_(now) {}

  /// "lab: standard profile, 9 experiments, about 55m, into runs/today".
  std::string opening(std::string_view profile, std::string_view out) const;

  /// The next experiment begins.
  void begin(Nanos now);
  Shown step(const LabStep& step, Nanos now);
  /// What it does just now, until the next step; empty: the run itself.
  void activity(std::string_view text) { activity_ = text; }
  /// What is shown between steps, with the time as it is now.
  std::string status(Nanos now) const;
  std::string note(std::string_view text) const;
  /// The experiment is over: its verdict, its answer, what to do.
  std::vector<std::string> end(const LabOutcome& outcome, Nanos now);

 private:
  /// Takes the time that is left from now on: `partS` of the experiment, and all of the later ones.
  void expect(double partS, Nanos now);
  std::string totalText(Nanos now) const;
  std::string inWidth(std::string text) const;
  std::string coloured(std::string_view text, std::string_view colour) const;

  LabStyle style_;
  std::vector<Part> parts_;
  Nanos began_;
  std::size_t at_ = 0;  ///< 1: the first experiment goes on
  Nanos partBegan_ = 0;
  std::size_t disturbed_ = 0, kept_ = 0;
  LabStep last_;
  std::string activity_;
  double expectedS_ = 0;  ///< of the whole lab
};

/// The last screen: service levels, what to do, where the report is, how long it took.
std::vector<std::string> closingScreen(const std::vector<ExperimentDocument>& experiments,
                                       std::string_view report, double tookS,
                                       const LabStyle& style);

}  // namespace redline
