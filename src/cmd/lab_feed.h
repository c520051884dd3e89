#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "cmd/lab_display.h"
#include "lab/runner.h"
#include "lab/step.h"
#include "metrics/event_feed.h"

namespace redline {

/// A lab on the live page: its experiments, what it does now, and the runs that are over. The event
/// "lab" has where it is, and each event "done" a run; docs/live-page.md names their fields. Safe
/// from any thread.
class LabFeed {
 public:
  LabFeed(EventFeed& feed, const std::vector<LabDisplay::Part>& parts);

  /// The next experiment begins.
  void begin();
  void step(const LabStep& step);
  /// What it does just now, until the next step; empty: the run itself.
  void activity(const std::string& text);
  void end(const LabOutcome& outcome);

  struct Part {
    std::string name = {}, title = {}, state = "waiting", answer = {};
    double expectedS = 0;
  };
  struct State {
    std::vector<Part> parts;
    std::size_t at = 0;  ///< 1: the first experiment goes on
    LabStep step = {};
    std::string activity = {};
    double leftS = 0;     ///< of the whole lab, when it was told …
    double toldAtMs = 0;  ///< … milliseconds since 1970-01-01 UTC
  };

 private:
  void tell();
  void expect(double partS);

  EventFeed& feed_;
  std::mutex mutex_;
  State state_;
};

}  // namespace redline
