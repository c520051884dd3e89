#pragma once

#include <string>
#include <vector>

namespace redline {

/// A command line that a shell reads back as these words.
std::string shellLine(const std::vector<std::string>& words);

/// A command line that makes a run of redline again, of the words of that run: without the flags
/// that say only where its results go (-out, -json, -metrics-linger), which a second run would not
/// get.
std::string repeatLine(const std::vector<std::string>& words);

}  // namespace redline
