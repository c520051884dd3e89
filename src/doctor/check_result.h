#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "doctor/prices.h"

namespace redline {

/// In the order of the report.
enum class Severity : std::uint8_t {
  dangerous,     ///< data may be lost, or the server may stop serving
  costsLatency,  ///< p99 is higher than it has to be, or will be
  unknown,       ///< it could not be looked at
  fine,
};

/// What one check says of its facts.
struct Diagnosis {
  Severity severity = Severity::fine;
  std::string evidence;               ///< what was read, with its figures
  std::string effect = {};            ///< why that matters; empty where it is fine
  const Price* price = nullptr;       ///< what redline measured of it; null: nothing
  std::vector<std::string> fix = {};  ///< commands, or what to do
};

inline Diagnosis fine(std::string evidence) {
  return {Severity::fine, std::move(evidence)};
}

/// One line of the report.
struct CheckResult {
  std::string check;    ///< a word for programs, that stays: "save-points"
  std::string title;    ///< for people: "save points"
  std::string subject;  ///< a server's address, "cluster", or empty: this machine
  Diagnosis judgement;
};

}  // namespace redline
