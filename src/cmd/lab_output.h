#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "cmd/lab_display.h"
#include "rundir/experiment.h"

namespace redline {

/// LabDisplay on standard error. Safe from any thread.
class LabScreen {
 public:
  LabScreen(const LabStyle& style, std::vector<LabDisplay::Part> parts);

  void opening(std::string_view profile, std::string_view out);
  void begin();
  void step(const LabStep& step);
  /// What it does just now, on the status line until the next step.
  void activity(std::string_view text);
  void note(std::string_view text);
  void end(const LabOutcome& outcome);
  /// Takes the status line off, and draws none until the next experiment begins.
  void rest();

 private:
  void print(const std::vector<std::string>& lines);
  void draw(const std::string& status);
  void wipe();

  std::mutex mutex_;
  LabDisplay display_;
  bool isResting_ = true;
  bool isDrawn_ = false;
  std::jthread clock_;  ///< redraws the status line each second; the last member, joined first
};

/// An experiment's findings and recommendations, on standard output.
void printFindings(const ExperimentDocument& document);
/// "name = value", and its meaning below it, because values may be long lists.
void printParameter(std::string_view name, std::string_view value, std::string_view meaning);
/// A line of `lab list`; a long title continues on the next line.
void printListed(std::string_view name, double seconds, std::string_view title);

}  // namespace redline
