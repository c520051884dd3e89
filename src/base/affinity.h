#pragma once

#include <pthread.h>
#include <sched.h>

#include <cstddef>

#include "base/result.h"

namespace redline {

/// From here on the calling thread runs on this CPU alone, and on no other. Fails where the machine
/// has no such CPU, or a container does not give it to us.
inline Status pinThisThread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &set);
  const int rc = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (rc != 0) return fail(ErrorCode::usage, "cannot run on CPU {}: {}", cpu, errnoText(rc));
  return {};
}

}  // namespace redline
