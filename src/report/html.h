#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// One page that needs nothing else: no script, style, picture or font from elsewhere. Everything
/// in the document is escaped. Style and script are report.css and report.js.
std::string toHtml(const Document& document);

}  // namespace redline
