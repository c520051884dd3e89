#pragma once

#include <map>
#include <string_view>

#include "metrics/http_server.h"

namespace redline {

// The live page: the files of web/, and Debian's libjs-dygraphs with its licence, embedded when
// redline is built (cmake/embed.cmake).

extern const std::string_view kPageHtml;
extern const std::string_view kPageCss;
extern const std::string_view kPageJs;
extern const std::string_view kPageModelJs;
extern const std::string_view kPageChartsJs;
extern const std::string_view kPageSlotsJs;
extern const std::string_view kPageTextJs;
extern const std::string_view kDygraphJs;
extern const std::string_view kDygraphCss;
extern const std::string_view kDygraphLicence;

/// All of them by path; the page itself is "/".
std::map<std::string_view, Site::File> pageFiles();

}  // namespace redline
