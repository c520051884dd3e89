#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/loading.h"
#include "engine/rdb_source.h"

namespace redline {

/// A server that loads an RDB stream of its own.
struct RdbTarget {
  Endpoint endpoint;
  std::filesystem::path dump;    ///< where it looks for its dump file
  unsigned version = 10;         ///< of the format
  std::optional<SlotSet> slots;  ///< of a cluster's master: those that it owns
};

/// One load by RDB streams, to each server its own, all at a time: a pipe in the place of its dump
/// file, DEBUG RELOAD on a thread that waits for the reply, and a thread that makes the stream and
/// writes it. An early end is a sound end of the stream; of one that is cut off the server keeps
/// what had come, and says in its log that it aborts. Ctrl-Z is ignored meanwhile. Life: start →
/// (stop) → join, as of Loading.
class RdbLoading {
 public:
  /// Connects and makes the pipes; an error means that nothing was sent. refused: another load by
  /// rdb is under way. `plan` is copied.
  static Result<std::unique_ptr<RdbLoading>> start(const LoadPlan& plan,
                                                   const std::vector<RdbTarget>& targets);
  ~RdbLoading();  ///< stops and joins

  /// Keys that are in the pipes or loaded: at most 1 MB of them is on the way. Safe from any
  /// thread, as are waitFor() and stop().
  std::uint64_t done() const;
  /// Waits until it is over, at most `span`; false: it still runs.
  bool waitFor(Nanos span) const;
  /// Ends the streams. A server that takes nothing for kPatience is left to itself.
  void stop();
  /// Waits for the servers' replies. Once.
  LoadOutcome join();

  static constexpr Nanos kPatience = 10 * kSecond;

 private:
  struct Impl;
  explicit RdbLoading(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace redline
