#pragma once

#include <string>

#include "report/lab_document.h"

namespace redline {

/// FINDINGS.md of a lab, as a forge renders it, its plots beside it in plots/.
std::string toMarkdown(const LabReport& report);

}  // namespace redline
