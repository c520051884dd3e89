#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace redline {

/// The run delay out of the text of a schedstat file ("cpu-time run-delay slices", nanoseconds):
/// how long a thread has been ready to run while another had its core. None when it is not there.
std::optional<Nanos> parseRunDelay(std::string_view schedstat);

/// The same of a file of /proc: about 10 µs. None where the kernel keeps no such figures, or the
/// thread is gone. What a hypervisor takes is not in it.
std::optional<Nanos> readRunDelay(const char* path);

}  // namespace redline
