#include "pg/pg_store.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "base/affinity.h"
#include "os/fd.h"
#include "pg/cache_table.h"
#include "pg/pg_admin.h"
#include "pg/pg_failure.h"
#include "pg/pg_line.h"
#include "pg/request_queue.h"

namespace redline {
namespace {

constexpr Nanos kLongestWait = kSecond;
constexpr Nanos kQueueTick = 10 * kMillisecond;
constexpr Nanos kOpenTimeout = 10 * kSecond;
constexpr auto kOpenPause = std::chrono::milliseconds(2);

/// Failures by kind, written by the store's thread.
class ProblemLog {
 public:
  void note(StoreFailure failure, std::string_view words) {
    const std::lock_guard lock(mutex_);
    StoreProblem& entry = problems_[static_cast<std::size_t>(failure)];
    entry.failure = failure;
    ++entry.count;
    if (!words.empty()) entry.last = words;
  }
  std::vector<StoreProblem> all() const {
    const std::lock_guard lock(mutex_);
    std::vector<StoreProblem> found;
    std::ranges::copy_if(problems_, std::back_inserter(found),
                         [](const StoreProblem& each) { return each.count != 0; });
    return found;
  }

 private:
  mutable std::mutex mutex_;
  std::array<StoreProblem, kStoreFailures> problems_;
};

}  // namespace

class PgStore::Loop final : private LineSink {
 public:
  Loop(const PgStoreOptions& options, const Values& values, Fd wake)
      : queue_(options.limits), cpus_(options.cpus), wake_(std::move(wake)) {
    for (unsigned i = 0; i < options.limits.connections; ++i)
      lines_.emplace_back(options.address, options.timeout, values);
    thread_ = std::thread([this] { run(); });
  }
  ~Loop() override {
    stop_.store(true, std::memory_order_release);
    wake();
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void submit(std::span<const StoreRequest> requests, StoreInbox& replies) {
    if (requests.empty()) return;
    bool wasEmpty = false;
    {
      const std::lock_guard lock(mutex_);
      wasEmpty = incoming_.empty();
      for (const StoreRequest& request : requests) incoming_.push_back({request, &replies, 0});
    }
    if (wasEmpty) wake();
  }

  StoreLevels levels() const noexcept {
    return {queued_.load(std::memory_order_relaxed), inFlight_.load(std::memory_order_relaxed),
            open_.load(std::memory_order_relaxed)};
  }
  const ProblemLog& problems() const { return problems_; }
  std::uint64_t opened() const noexcept { return opened_.load(std::memory_order_relaxed); }

 private:
  void wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
  }

  void run() {
    const AffinityScope there(cpus_);
    while (!stop_.load(std::memory_order_acquire)) {
      const Nanos now = SteadyClock::read();
      takeIncoming(now);
      for (PgLine& line : lines_) line.tick(now, *this);
      place(now);
      for (PgLine& line : lines_) line.endPass(now, *this);
      failWhatCannotBegin(now);
      finishPass();
      await(now);
    }
    answerAll(SteadyClock::read());
  }

  void takeIncoming(Nanos now) {
    {
      const std::lock_guard lock(mutex_);
      taken_.swap(incoming_);
    }
    for (const QueuedRequest& entry : taken_)
      if (const auto refused = queue_.push(entry, now))
        replies_.add(entry.replies, replyTo(entry.request, *refused, now));
    taken_.clear();
    queue_.expire(now, expired_);
    answerExpired(now);
  }

  void answerExpired(Nanos now) {
    for (const QueuedRequest& entry : expired_)
      replies_.add(entry.replies, replyTo(entry.request, StoreReply::Outcome::timedOut, now));
    expired_.clear();
  }

  PgLine* freest() {
    PgLine* best = nullptr;
    for (PgLine& line : lines_)
      if (line.state() == PgLine::State::ready && line.inFlight() < kDepth &&
          (best == nullptr || line.inFlight() < best->inFlight()))
        best = &line;
    return best;
  }

  void place(Nanos now) {
    while (!queue_.empty()) {
      PgLine* const line = freest();
      if (line == nullptr) break;
      const auto next = queue_.pop(now, expired_);
      if (next) line->send(*next, now, *this);
    }
    answerExpired(now);
  }

  /// While every connection is closed and could not be opened, waiting would only hide it.
  void failWhatCannotBegin(Nanos now) {
    const bool isDown = std::ranges::all_of(lines_, [](const PgLine& line) {
      return line.state() != PgLine::State::ready && line.hasFailed();
    });
    if (!isDown || queue_.empty()) return;
    std::vector<QueuedRequest> all;
    queue_.drain(all);
    for (const QueuedRequest& entry : all) {
      StoreReply reply = replyTo(entry.request, StoreReply::Outcome::failed, now);
      reply.failure = lines_.front().failure();
      replies_.add(entry.replies, std::move(reply));
    }
  }

  void finishPass() {
    replies_.post();
    std::uint64_t inFlight = 0, open = 0;
    for (const PgLine& line : lines_) {
      inFlight += line.inFlight();
      open += line.state() == PgLine::State::ready ? 1U : 0U;
    }
    if (open > wasOpen_) opened_.fetch_add(open - wasOpen_, std::memory_order_relaxed);
    wasOpen_ = open;
    queued_.store(queue_.size(), std::memory_order_relaxed);
    inFlight_.store(inFlight, std::memory_order_relaxed);
    open_.store(open, std::memory_order_relaxed);
  }

  void await(Nanos now) {
    Nanos until = queue_.empty() ? now + kLongestWait : now + kQueueTick;
    polled_.assign(1, {wake_.get(), POLLIN, 0});
    for (const PgLine& line : lines_) {
      until = std::min(until, line.nextTick(now));
      polled_.push_back({line.descriptor(), line.events(), 0});
    }
    const Nanos wait = std::max<Nanos>(0, until - now);
    const timespec span{static_cast<time_t>(wait / kSecond), static_cast<long>(wait % kSecond)};
    if (::ppoll(polled_.data(), polled_.size(), &span, nullptr) <= 0) return;
    if (polled_[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
    }
    const Nanos got = SteadyClock::read();
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (polled_[i + 1].revents != 0) lines_[i].onEvent(got, *this);
  }

  void answerAll(Nanos now) {
    takeIncoming(now);
    for (PgLine& line : lines_) line.lose(StoreFailure::unreachable, {}, now, *this);
    std::vector<QueuedRequest> all;
    queue_.drain(all);
    for (const QueuedRequest& entry : all) {
      StoreReply reply = replyTo(entry.request, StoreReply::Outcome::failed, now);
      reply.failure = StoreFailure::unreachable;
      replies_.add(entry.replies, std::move(reply));
    }
    replies_.post();
  }

  void reply(const QueuedRequest& asked, StoreReply reply) override {
    replies_.add(asked.replies, std::move(reply));
  }
  void again(const QueuedRequest& asked) override { queue_.putBack(asked); }
  void problem(StoreFailure failure, std::string_view words) override {
    problems_.note(failure, words);
  }

  std::mutex mutex_;
  std::vector<QueuedRequest> incoming_;  ///< guarded by mutex_

  // The thread's own.
  RequestQueue queue_;
  std::vector<PgLine> lines_;
  ReplyBatches replies_;
  std::vector<QueuedRequest> taken_, expired_;
  std::vector<pollfd> polled_;
  std::uint64_t wasOpen_ = 0;

  std::vector<int> cpus_;
  Fd wake_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> queued_{0}, inFlight_{0}, open_{0}, opened_{0};
  ProblemLog problems_;
  std::thread thread_;
};

PgStore::PgStore(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
PgStore::~PgStore() = default;

Result<std::unique_ptr<PgStore>> PgStore::start(PgStoreOptions options, const Values& values) {
  auto admin = PgAdmin::connect(options.address);
  if (!admin) return fail(std::move(admin.error()));
  const auto table = readCacheTable(*admin);
  if (!table) return fail(table.error());
  if (!*table)
    return fail(ErrorCode::refused,
                "PostgreSQL at {} has no table {}: fill it with 'redline loader'",
                options.address.text(), kCacheTable);
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return fail(ErrorCode::io, "cannot make an eventfd: {}", errnoText(errno));
  const unsigned wanted = options.limits.connections;
  auto store = std::unique_ptr<PgStore>(
      new PgStore(std::make_unique<Loop>(options, values, std::move(wake))));
  const Nanos deadline = SteadyClock::read() + kOpenTimeout;
  while (store->levels().connections < wanted) {
    const auto problems = store->problems();
    if (!problems.empty())
      return fail(errorCodeOf(problems.front().failure),
                  "cannot open {} connections to PostgreSQL at {}: {}", wanted,
                  options.address.text(), problems.front().last);
    if (SteadyClock::read() >= deadline)
      return fail(ErrorCode::timeout, "PostgreSQL at {} did not accept {} connections in time",
                  options.address.text(), wanted);
    std::this_thread::sleep_for(kOpenPause);
  }
  return store;
}

void PgStore::submit(std::span<const StoreRequest> requests, StoreInbox& replies) {
  loop_->submit(requests, replies);
}

StoreLevels PgStore::levels() const noexcept {
  return loop_->levels();
}

std::vector<StoreProblem> PgStore::problems() const {
  return loop_->problems().all();
}

std::uint64_t PgStore::reconnects() const noexcept {
  const std::uint64_t opened = loop_->opened(), open = levels().connections;
  return opened > open ? opened - open : 0;
}

}  // namespace redline
