#include "engine/thread_usage.h"

#include <sys/resource.h>

#include "base/run_delay.h"

namespace redline {
namespace {

Nanos toNanos(const timeval& t) {
  return t.tv_sec * kSecond + t.tv_usec * kMicrosecond;
}

}  // namespace

ThreadUsage readThreadUsage() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return {toNanos(usage.ru_utime), toNanos(usage.ru_stime),
          readRunDelay("/proc/thread-self/schedstat").value_or(0)};
}

}  // namespace redline
