#pragma once

#include <string>
#include <vector>

namespace redline {

/// A command line that a shell reads back as these words.
std::string shellLine(const std::vector<std::string>& words);

}  // namespace redline
