#pragma once

#include <cstdint>

#include "cluster/hash_slot.h"
#include "workload/keyspace.h"

namespace redline {

/// The hash slot of an id's key. That has no braces, so all of it counts.
inline std::uint16_t slotOfKey(std::uint64_t id) noexcept {
  char key[kMaxKeyLength];
  return crc16({key, writeKey(key, id)}) % kSlots;
}

}  // namespace redline
