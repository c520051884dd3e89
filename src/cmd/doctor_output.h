#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "doctor/check_result.h"

namespace redline {

struct DoctorStyle {
  std::size_t width = 80;
  bool coloured = false;
};

/// The report for a terminal, wrapped at the style's width: what is wrong first, a paragraph each;
/// then what could not be looked at; then what is fine; then how many of each. Results of several
/// servers that are equal are one; so are fine ones that differ in figures, with the range. Texts
/// of servers are made printable.
std::string doctorText(const std::vector<CheckResult>& results, const DoctorStyle& style);

}  // namespace redline
