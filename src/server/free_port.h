#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace redline {

/// unreachable with "port 7600 is in use by …: choose another with -port" when a process listens
/// there.
Status checkPortFree(std::uint16_t port);

/// A TCP port of loopback that is free now, with room for a cluster bus (port + 10000), never 6379.
/// It is below the ports that the kernel gives to outgoing connections, so that a server that
/// died finds it free when it comes back. No other redline process is given the same port while
/// this one lives, so labs and tests may run side by side.
Result<std::uint16_t> freePort();
/// As many of them, all different.
Result<std::vector<std::uint16_t>> freePorts(std::size_t count);

}  // namespace redline
