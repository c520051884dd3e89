#pragma once

#include <unistd.h>

#include <mutex>
#include <string>
#include <string_view>

#include "rundir/experiment.h"

namespace redline {

/// Lines on standard error; on a terminal also one that is replaced. Safe from any thread.
class Screen {
 public:
  void line(const std::string& text);
  void status(const std::string& text);
  void clear();

 private:
  std::mutex mutex_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  bool shown_ = false;
};

/// An experiment's findings and recommendations, on standard output.
void printFindings(const ExperimentDocument& document);
/// "name = value", and its meaning below it, because values may be long lists.
void printParameter(std::string_view name, std::string_view value, std::string_view meaning);
/// A line of `lab list`; a long title continues on the next line.
void printListed(std::string_view name, double seconds, std::string_view title);

}  // namespace redline
