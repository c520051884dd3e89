#pragma once

#include <cstdint>

#include "base/rng.h"
#include "workload/key_chooser.h"
#include "workload/operation_mix.h"

namespace redline {

/// One request to make, before it has a time, a version or a destination.
struct Operation {
  std::uint64_t id = 0;  ///< the key's
  bool isWrite = false;
};

/// What the operations of a run are: which keys, and reads or writes. Both kinds draw from the same
/// distribution. Immutable; workers share one, each with its own Rng stream.
class Workload {
 public:
  Workload(KeyChooser keys, Mix mix) : keys_(keys), mix_(mix) {}

  Operation draw(Rng& rng) const noexcept {
    const bool isWrite = mix_.isWrite(rng);
    return {keys_.draw(rng), isWrite};
  }
  const KeyChooser& keys() const noexcept { return keys_; }

 private:
  KeyChooser keys_;
  Mix mix_;
};

}  // namespace redline
