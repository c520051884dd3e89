#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backing/store.h"
#include "base/result.h"
#include "pg/pg_address.h"
#include "workload/values.h"

namespace redline {

struct PgStoreOptions {
  PgAddress address;
  StoreLimits limits;
  /// -backing-timeout: what the server may take for one statement (statement_timeout); it waits
  /// half as long for a lock (lock_timeout).
  Nanos timeout = kSecond;
  std::vector<int> cpus;  ///< of its thread; empty: any
};

/// One kind of failure since the start.
struct StoreProblem {
  StoreFailure failure = StoreFailure::error;
  std::uint64_t count = 0;  ///< of requests and of connections
  std::string last;         ///< in the server's words
};

/// A PostgreSQL as the store behind the cache: a pool of connections on a thread of their own, in
/// pipeline mode. A request goes to the connection with the fewest in flight, at most kDepth; the
/// others wait in the store's queue. While no connection can be opened, requests fail at once.
class PgStore final : public Store {
 public:
  /// Requests in flight on one connection: few enough that the queue is the store's, where a
  /// deadline is kept and a fast connection helps a slow one.
  static constexpr std::size_t kDepth = 8;

  /// Returns when all connections are open. `values`: those of the data set, at the size that is
  /// written. refused: a password, no table, or fewer connections than asked for; unreachable:
  /// nobody is there.
  static Result<std::unique_ptr<PgStore>> start(PgStoreOptions options, const Values& values);
  /// Whatever has no result yet fails as unreachable.
  ~PgStore() override;

  void submit(std::span<const StoreRequest> requests, StoreInbox& replies) override;
  StoreLevels levels() const noexcept override;
  /// Every kind that has occurred.
  std::vector<StoreProblem> problems() const;
  /// Connections that were opened again after a loss.
  std::uint64_t reconnects() const noexcept;

 private:
  class Loop;
  explicit PgStore(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace redline
