#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// For a repository: pictures are files in plots/, headings that are linked to have anchors.
/// Nothing in the document is taken for markup.
std::string toMarkdown(const Document& document);

}  // namespace redline
