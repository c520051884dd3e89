#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "server/host.h"

namespace redline {

/// Which of `warnings` the user has not been told yet. A setting of the machine is told once: again
/// after it was changed and is back, after a reboot (`bootId`), or where `memory`, the file that
/// remembers, cannot be written. What changes by itself, a busy core, is told each time.
std::vector<Warning> untoldWarnings(const std::vector<Warning>& warnings,
                                    const std::filesystem::path& memory, const std::string& bootId);

/// The same with the file of this user's state home and this machine's boot.
std::vector<Warning> untoldWarnings(const std::vector<Warning>& warnings);

}  // namespace redline
