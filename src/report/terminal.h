#pragma once

#include <cstddef>
#include <string>

#include "report/document.h"

namespace redline {

/// For a terminal: sentences are wrapped at `width` characters, tables are aligned and not wrapped,
/// pictures and details are left out. Control characters are replaced.
std::string toTerminal(const Blocks& blocks, std::size_t width = 100);

}  // namespace redline
