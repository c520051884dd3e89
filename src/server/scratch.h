#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace redline {

/// The default directory of labs' servers: in stateHome().
Result<std::filesystem::path> labScratch();

/// A directory in `parent` for this process's temporary servers, created. Its name says whose it
/// is, so that clearScratch() can distinguish a crashed owner from a living one.
Result<std::filesystem::path> makeScratch(const std::filesystem::path& parent);

/// What crashed processes left in `parent`: kills every redis-server there, children that write a
/// snapshot included, and removes the directories. Those of living owners are left alone. Returns
/// what it did, a line each; nothing where there was nothing.
std::vector<std::string> clearScratch(const std::filesystem::path& parent);

}  // namespace redline
