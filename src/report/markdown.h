#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// FINDINGS.md: the report as a forge renders it, its plots beside it in plots/.
std::string toMarkdown(const Report& report);

}  // namespace redline
