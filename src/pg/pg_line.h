#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "backing/store.h"
#include "pg/back_off.h"
#include "pg/pg_address.h"
#include "pg/pg_handles.h"
#include "pg/request_queue.h"
#include "workload/values.h"

namespace redline {

/// Takes what connections have to say.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void reply(const QueuedRequest& asked, StoreReply reply) = 0;
  /// A request that was given up because one before it failed: it was not carried out.
  virtual void again(const QueuedRequest& asked) = 0;
  /// A failure in the server's words: a request's, or a connection's.
  virtual void problem(StoreFailure failure, std::string_view words) = 0;
};

/// One connection of the pool, by libpq in pipeline mode, never blocking. The reads of one pass end
/// with one Sync; each write has its own, and with it its own transaction. A lost connection is
/// opened again with back-off. For one thread.
class PgLine {
 public:
  enum class State : std::uint8_t { closed, connecting, preparing, ready };

  /// `timeout`: what the server may take for a statement, and half of it for a lock.
  PgLine(const PgAddress& address, Nanos timeout, Values values);

  State state() const noexcept { return state_; }
  std::size_t inFlight() const noexcept { return inFlight_; }
  /// Whether the last attempt to connect failed, and with what.
  bool hasFailed() const noexcept { return hasFailed_; }
  StoreFailure failure() const noexcept { return failure_; }

  /// For poll(): -1 when there is nothing to wait for.
  int descriptor() const;
  short events() const;
  /// When tick() has something to do, without any event.
  Nanos nextTick(Nanos now) const;

  /// Only when ready. The request goes out with endPass() at the latest.
  void send(const QueuedRequest& asked, Nanos now, LineSink& sink);
  void endPass(Nanos now, LineSink& sink);
  /// Its descriptor has an event.
  void onEvent(Nanos now, LineSink& sink);
  /// Opens a closed line when that is due; answers what is past its deadline, and gives up a
  /// connection that does not come, or says nothing long after that.
  void tick(Nanos now, LineSink& sink);
  /// Answers everything, and closes.
  void lose(StoreFailure failure, std::string_view words, Nanos now, LineSink& sink);

 private:
  struct Expected {
    enum class Kind : std::uint8_t { prepare, request, sync };
    Kind kind = Kind::sync;
    bool hadResult = false;
    bool answered = false;  ///< nobody waits for it any more
    Nanos sentAt = 0;
    QueuedRequest asked;
  };

  void open(Nanos now, LineSink& sink);
  void advanceConnecting(Nanos now, LineSink& sink);
  void prepare(Nanos now, LineSink& sink);
  bool sync();
  void flush(Nanos now, LineSink& sink);
  void receive(Nanos now, LineSink& sink);
  /// False: nothing more can be taken now.
  bool take(pg_result* result, Nanos now, LineSink& sink);
  void settle(Expected& expected, pg_result* result, Nanos now, LineSink& sink);
  void answer(Expected& expected, StoreReply reply, LineSink& sink);
  void popFront();
  bool sendRead(const StoreRequest& request);
  bool sendWrite(const StoreRequest& request);

  std::string connectionText_;
  Nanos timeout_;
  Values values_;
  std::string value_;  ///< of the write that is being encoded
  PgConnection connection_;
  State state_ = State::closed;
  bool wantsWrite_ = false;
  bool readsOpen_ = false;  ///< there are reads behind the last Sync
  bool prepareFailed_ = false;
  bool hasFailed_ = false;
  StoreFailure failure_ = StoreFailure::unreachable;
  BackOff backOff_;
  Nanos connectDeadline_ = 0;
  std::deque<Expected> expected_;
  std::size_t inFlight_ = 0;  ///< requests in expected_
};

}  // namespace redline
