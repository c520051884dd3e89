#pragma once

#include <string>

namespace redline {

/// Puts this process before others: servers, generator and peers, which inherit it, so that nothing
/// changes between them. Not by much: threads of the kernel, which do our disk's work, have nice 0.
/// "nice -10", or "refused: …" (kPriorityNote).
std::string goFirst();

}  // namespace redline
