#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pg/cache_table.h"
#include "pg/pg_store.h"
#include "server/postgres_server.h"
#include "support/real_redis.h"

namespace redline::test {

/// A real PostgreSQL with a filled table, and a store in front of it.
class StoreRig {
 public:
  static constexpr CacheTable kTable{.seed = 3, .keys = 2000, .valueSize = 100};

  explicit StoreRig(PostgresConfig config = {}) {
    config.sharedBuffers = 16 << 20;
    auto started = ScopedPostgres::start(std::move(config));
    if (!started) {
      ADD_FAILURE() << started.error().message;
      return;
    }
    postgres_ = std::make_unique<ScopedPostgres>(std::move(*started));
    auto admin = PgAdmin::connect(address());
    auto filled = admin ? fillCacheTable(*admin, kTable) : fail(admin.error());
    if (!filled) ADD_FAILURE() << filled.error().message;
  }

  bool open(PgStoreOptions options = {}) {
    if (!postgres_) return false;
    options.address = address();
    if (options.limits.connections == StoreLimits{}.connections) options.limits.connections = 4;
    auto store = PgStore::start(options, values());
    if (store) store_ = std::move(*store);
    if (!store) ADD_FAILURE() << store.error().message;
    return store.has_value();
  }

  PostgresServer& server() { return postgres_->server(); }
  PgAddress address() const { return postgres_->address(); }
  PgStore& store() { return *store_; }
  void close() { store_.reset(); }
  static Values values() { return {kTable.seed, kTable.valueSize}; }

  PgAdmin admin() {
    auto connected = PgAdmin::connect(address());
    EXPECT_TRUE(connected) << connected.error().message;
    return std::move(*connected);
  }
  void run(const std::string& sql) {
    const auto done = admin().run(sql);
    EXPECT_TRUE(done) << done.error().message;
  }

  StoreTicket read(std::uint64_t id, Nanos within = 5 * kSecond) {
    return ask(StoreRequest::Kind::read, id, 0, within);
  }
  StoreTicket write(std::uint64_t id, std::uint64_t version, Nanos within = 5 * kSecond) {
    return ask(StoreRequest::Kind::write, id, version, within);
  }

  /// The one reply to a ticket; fails the test when none comes.
  StoreReply reply(StoreTicket ticket) {
    const bool came = eventually(
        [&] {
          collect();
          return replies_.contains(ticket);
        },
        20 * kSecond);
    EXPECT_TRUE(came) << "no reply to " << ticket;
    return came ? replies_[ticket] : StoreReply{};
  }
  void collect() {
    inbox_.take(taken_);
    for (StoreReply& each : taken_) {
      EXPECT_FALSE(replies_.contains(each.ticket)) << "a second reply to " << each.ticket;
      replies_[each.ticket] = std::move(each);
    }
  }
  std::size_t answered() {
    collect();
    return replies_.size();
  }
  StoreTicket asked() const { return tickets_; }
  bool allAnswered() {
    return eventually([&] { return answered() == tickets_; }, 20 * kSecond);
  }
  std::size_t countOf(StoreReply::Outcome outcome) {
    std::size_t count = 0;
    for (const auto& [ticket, reply] : replies_) count += reply.outcome == outcome ? 1U : 0U;
    return count;
  }
  std::size_t countOf(StoreFailure failure) {
    std::size_t count = 0;
    for (const auto& [ticket, reply] : replies_)
      count += reply.outcome == StoreReply::Outcome::failed && reply.failure == failure ? 1U : 0U;
    return count;
  }
  /// Whether a read succeeds now.
  bool serves() { return reply(read(1, kSecond)).outcome == StoreReply::Outcome::found; }

  std::uint64_t problems(StoreFailure failure) {
    for (const StoreProblem& each : store_->problems())
      if (each.failure == failure) return each.count;
    return 0;
  }
  std::string lastProblem(StoreFailure failure) {
    for (const StoreProblem& each : store_->problems())
      if (each.failure == failure) return each.last;
    return {};
  }

 private:
  StoreTicket ask(StoreRequest::Kind kind, std::uint64_t id, std::uint64_t version, Nanos within) {
    StoreRequest request;
    request.kind = kind;
    request.id = id;
    request.version = version;
    request.ticket = ++tickets_;
    request.deadline = SteadyClock::read() + within;
    store_->submit(std::span(&request, 1), inbox_);
    return tickets_;
  }

  std::unique_ptr<ScopedPostgres> postgres_;
  StoreInbox inbox_{[] {}};
  std::vector<StoreReply> taken_;
  std::map<StoreTicket, StoreReply> replies_;
  StoreTicket tickets_ = 0;
  std::unique_ptr<PgStore> store_;  ///< behind the inbox, which outlives it
};

}  // namespace redline::test
