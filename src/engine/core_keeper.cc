#include "engine/core_keeper.h"

#include <sched.h>

#include "base/affinity.h"

namespace redline {
namespace {

bool comesLast() {
  const sched_param none{};
  return ::sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

}  // namespace

CoreKeeper::CoreKeeper(int cpu)
    : thread_([cpu](const std::stop_token& over) {
        if (!pinThisThread(cpu) || !comesLast()) return;
        // Not a loop of nothing: this kernel takes a core from an ordinary thread at its tick only.
        while (!over.stop_requested()) yieldCore();
      }) {}

}  // namespace redline
