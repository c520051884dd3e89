#pragma once

#include <string>

namespace redline {

/// A message that nothing listens somewhere, with the advice to heal the stack of ours that has a
/// server there, and not to start another; any other message as it is.
std::string withHealAdvice(std::string message);

}  // namespace redline
