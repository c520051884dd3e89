#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "server/host.h"

namespace redline {

/// The `warnings` to show now. A setting of the machine is shown once, and again after it was
/// changed and is back, after a reboot (`bootId`), or where the file `memory` cannot be written.
/// What changes by itself, a busy core, is shown each time.
std::vector<Warning> newWarnings(const std::vector<Warning>& warnings,
                                 const std::filesystem::path& memory, const std::string& bootId);

/// The same with the file of this user's state home and this machine's boot.
std::vector<Warning> newWarnings(const std::vector<Warning>& warnings);

}  // namespace redline
