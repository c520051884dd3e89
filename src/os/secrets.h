#pragma once

namespace redline {

/// Takes a variable with a secret out of this process's environment once it has been read: `ps e`
/// and /proc/PID/environ no longer show it, and no child inherits it. Core dumps, which would hold
/// what was read, are off from then on. Nothing happens when the variable is not set. Call it
/// before there are threads.
void hideSecret(const char* variable);

}  // namespace redline
