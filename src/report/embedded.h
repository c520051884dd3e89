#pragma once

#include <string_view>

namespace redline {

// Files of this folder, embedded when redline is built (cmake/embed.cmake).

extern const std::string_view kReportCss;
extern const std::string_view kReportJs;
extern const std::string_view kPlotCss;

}  // namespace redline
