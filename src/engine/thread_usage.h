#pragma once

#include "base/clock.h"

namespace redline {

/// What the kernel says of a thread.
struct ThreadUsage {
  Nanos user = 0, system = 0;  ///< its CPU time
  Nanos waiting = 0;           ///< ready to run, while another thread had its core

  ThreadUsage operator-(const ThreadUsage& earlier) const {
    return {user - earlier.user, system - earlier.system, waiting - earlier.waiting};
  }
};

/// The calling thread's, since it began. `waiting` is the run delay of /proc/thread-self/schedstat,
/// 0 where the kernel keeps none; what a hypervisor steals is not in it. About 10 µs.
ThreadUsage readThreadUsage();

}  // namespace redline
