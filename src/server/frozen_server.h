#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "server/process.h"

namespace redline {

/// What holds up a server of ours that answers nobody, and what to do about it, as "held by a
/// SIGSTOP: kill -CONT 4711"; empty: nothing that /proc shows. `directory`: the server's. It waits
/// for the other end of a FIFO, or for data of a process that a SIGSTOP holds, or is held itself.
std::string heldUpBy(const ProcessId& server, const std::filesystem::path& directory);

/// Lets a server go that waits for the other end of a FIFO; true: it did wait, and no longer does.
/// The FIFO goes, and may have gone before.
Result<bool> freeFromFifo(const ProcessId& server, const std::filesystem::path& directory);

}  // namespace redline
