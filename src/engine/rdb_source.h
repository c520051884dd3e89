#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cluster/slot_ranges.h"
#include "engine/load_plan.h"
#include "rdb/rdb_writer.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {

/// The keys that a load has for one server, as an RDB file that is made piece by piece, in
/// ascending ids. Sans-I/O.
class RdbSource {
 public:
  /// `slots`: of a cluster's master, those that it owns. `plan` outlives it.
  RdbSource(const LoadPlan& plan, unsigned version, std::optional<SlotSet> slots);

  /// The next piece, at least 256 KB but for the last one; empty: the file has ended. Good until
  /// the next call.
  std::string_view next();
  /// The next piece ends the file, which is a sound one whatever is missing.
  void endEarly() noexcept { ending_ = true; }

  /// Every id below, of this server's, is in the pieces.
  std::uint64_t nextId() const noexcept { return nextId_; }
  std::uint64_t keys() const noexcept { return keys_; }  ///< in the pieces
  /// What a server has of the keys that took all pieces before the last one, and `bytes` of that:
  /// of a key that is not whole it keeps nothing.
  struct Taken {
    std::uint64_t nextId = 0;  ///< every id below, of this server's
    std::uint64_t keys = 0;
    bool operator==(const Taken&) const = default;
  };
  Taken takenWith(std::size_t bytes) const;
  /// Of a cluster: keys in the pieces by slot.
  const std::vector<std::uint64_t>& keysBySlot() const noexcept { return keysBySlot_; }

 private:
  void begin();
  void add(std::uint64_t id);
  bool belongs(std::uint64_t id);

  const LoadPlan& plan_;
  Values values_;
  Ttls ttls_;
  RdbWriter writer_;
  std::optional<SlotSet> slots_;
  std::uint64_t nextId_;
  std::uint64_t keys_ = 0;
  struct KeyEnd {
    std::size_t offset;  ///< in the piece, behind the key
    std::uint64_t id;
  };
  std::vector<KeyEnd> ends_;  ///< of the keys of the last piece
  std::vector<std::uint64_t> keysBySlot_;
  bool ending_ = false, begun_ = false, ended_ = false;
};

}  // namespace redline
