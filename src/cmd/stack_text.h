#pragma once

#include <string>

#include "server/stack.h"

namespace redline {

/// What `stack up` and `stack status` print: for people, and as JSON (no newline at its end).
std::string statusText(const StackStatus& status);
std::string stackJson(const StackUp& up);
std::string statusJson(const StackStatus& status);

}  // namespace redline
