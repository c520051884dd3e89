#include "engine/core_keeper.h"

#include <sched.h>
#include <sys/socket.h>

#include <array>

#include "base/affinity.h"
#include "base/clock.h"
#include "os/child.h"
#include "os/session.h"

namespace redline {
namespace {

/// File number of the process.
constexpr int kLineFd = 3;
constexpr int kLastNice = 19;
constexpr Nanos kLongestWait = 200 * kMillisecond;

bool comesLast() {
  setSessionNice(kLastNice);
  const sched_param none{};
  return ::sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

bool isOver() {
  char none = 0;
  return ::recv(kLineFd, &none, 1, MSG_DONTWAIT) == 0;
}

/// The life of the process: async-signal-safe calls only.
void keepAwake(int cpu) {
  outliveSignals("redline-keeper");
  if (!comesLast() || !pinThisThread(cpu)) return;
  // Not a loop of nothing: this kernel takes a core from an ordinary thread at its tick only.
  while (!isOver()) yieldCore();
}

}  // namespace

CoreKeeper::CoreKeeper(int cpu) {
  auto line = socketPair();
  if (!line) return;
  const std::array descriptors{line->first.get()};
  const auto process = forkHelper(descriptors, keepAwake, cpu);
  if (!process) return;
  process_ = *process;
  line_ = std::move(line->second);
}

CoreKeeper::~CoreKeeper() {
  if (process_ > 0) endChild(process_, kLongestWait);  // somebody may have all of its core
}

}  // namespace redline
