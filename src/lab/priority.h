#pragma once

#include <string>

namespace redline {

/// Puts this process before others: servers, generator and peers, which inherit it, so that nothing
/// changes between them. Before others of the same session alone, where the kernel shares the cores
/// among sessions first (autogroup, sched(7)). "nice -20", or "refused: …" (kPriorityNote).
std::string goFirst();

}  // namespace redline
