#pragma once

#include <cstddef>
#include <string>

namespace redline {

/// Where an experiment is: a run that begins or is over. In words; how it looks is cmd's.
struct LabStep {
  enum class What {
    begins,
    done,
    disturbed,  ///< invalid, for a reason that passes
    invalid,    ///< invalid, and another try would be too
    skipped,
    failed,
    kept,  ///< it was complete in the directory
  };
  What what = What::begins;
  std::size_t number = 0, of = 0;  ///< of the experiment's runs
  std::string title{};             ///< "GET 100 B, batch 16, repeat 2"
  std::string directory{};         ///< below the experiment's
  std::string result{};            ///< "726k/s, p99 1.4 ms"; empty where it must not be quoted
  std::string reason{};            ///< why it is invalid, failed or was skipped: a few words
  double tookS = 0;
  double leftS = 0;  ///< of the experiment, expected
};

}  // namespace redline
