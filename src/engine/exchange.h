#pragma once

#include "base/clock.h"

namespace redline {

class Lane;

/// One request to a node and its reply, for the times of its operation.
struct Exchange {
  Lane* lane = nullptr;
  Nanos sentAt = 0;
  Nanos freeAt = 0;  ///< since when it could have been sent
  Nanos answeredAt = 0;
};

}  // namespace redline
