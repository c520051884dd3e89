#pragma once

#include <string>

#include "server/stack.h"

namespace redline {

/// What `stack up` and `stack status` print: for people, and as JSON (no newline at its end).
std::string statusText(const StackStatus& status);
/// Gives the servers the roles that they have now, where they answered.
void takeRoles(StackState& state, const StackStatus& now);
std::string stackJson(const StackUp& up);
std::string statusJson(const StackStatus& status);

}  // namespace redline
