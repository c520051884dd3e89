#pragma once

#include "base/clock.h"

namespace redline {

/// When a periodic task is due again that was due at `due`, once it is through with that, at `now`.
/// Times that it has missed are dropped: then it is a whole interval from now.
constexpr Nanos nextDue(Nanos due, Nanos interval, Nanos now) {
  return due + interval > now ? due + interval : now + interval;
}

}  // namespace redline
