#pragma once

#include <pthread.h>
#include <sched.h>

#include <cstddef>
#include <span>

#include "base/result.h"

namespace redline {

/// Pins the calling thread to this CPU. Fails where the machine
/// has no such CPU, or a container does not give it to us.
inline Status pinThisThread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &set);
  const int rc = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (rc != 0) return fail(ErrorCode::usage, "cannot run on CPU {}: {}", cpu, errnoText(rc));
  return {};
}

/// From now on the calling thread gets its core before every ordinary thread as soon as it is ready
/// (SCHED_RR, lowest priority). For a thread that sleeps most of the time: one that does not keeps
/// all others off the core. Refused where CAP_SYS_NICE and RLIMIT_RTPRIO are missing.
inline Status runBeforeOrdinaryThreads() {
  sched_param lowest{};
  lowest.sched_priority = ::sched_get_priority_min(SCHED_RR);
  const int rc = ::pthread_setschedparam(::pthread_self(), SCHED_RR, &lowest);
  if (rc != 0) return fail(ErrorCode::refused, "{}", errnoText(rc));
  return {};
}

/// Yields the core to a thread that is ready. Between two pieces of bookkeeping: a kernel
/// that preempts lazily would leave the core to this thread until its next tick, for up to 4 ms.
inline void yieldCore() noexcept {
  ::sched_yield();
}

/// While it lives, the calling thread, and those that it starts meanwhile, run on these CPUs and on
/// no other; then where they could before. Of no CPUs, or of CPUs that are not ours: anywhere, as
/// without it.
class AffinityScope {
 public:
  explicit AffinityScope(std::span<const int> cpus) {
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    for (const int cpu : cpus)
      if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(static_cast<std::size_t>(cpu), &wanted);
    restore_ = CPU_COUNT(&wanted) != 0 &&
               ::pthread_getaffinity_np(::pthread_self(), sizeof before_, &before_) == 0 &&
               ::pthread_setaffinity_np(::pthread_self(), sizeof wanted, &wanted) == 0;
  }
  ~AffinityScope() {
    if (restore_) ::pthread_setaffinity_np(::pthread_self(), sizeof before_, &before_);
  }
  AffinityScope(const AffinityScope&) = delete;
  AffinityScope& operator=(const AffinityScope&) = delete;

 private:
  cpu_set_t before_{};
  bool restore_ = false;
};

}  // namespace redline
