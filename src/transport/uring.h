#pragma once

#include <memory>

#include "transport/transport.h"

namespace redline {

/// Completions by io_uring: all sends and receives of a pass go to the kernel in one system call,
/// and an idle spin costs a memory load. Fails where the kernel refuses the ring (seccomp, sysctl
/// kernel.io_uring_disabled, too old); the text says which. To be made and used on one thread.
Result<std::unique_ptr<Transport>> makeUringTransport();

}  // namespace redline
