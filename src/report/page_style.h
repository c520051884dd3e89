#pragma once

#include <string>

namespace redline {

/// The page's style: light and dark as the reader's system has it, light on paper.
std::string pageStyle();

}  // namespace redline
