#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// One page that needs nothing else: style and plots are in it, scripts and network are not.
std::string toHtml(const Report& report);

}  // namespace redline
