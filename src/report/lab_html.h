#pragma once

#include <string>

#include "report/lab_document.h"

namespace redline {

/// A lab's report as one page that needs nothing else; its first screen is the table of service
/// levels and what matters most.
std::string toHtml(const LabReport& report);

}  // namespace redline
