#include "run/rdb_loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "base/affinity.h"
#include "base/units.h"
#include "engine/thread_usage.h"
#include "server/admin.h"
#include "server/rdb_pipe.h"

namespace redline {
namespace {

constexpr Nanos kUnlimited = std::numeric_limits<Nanos>::max() / 2;
/// A full pipe is looked at again after so long: to be woken at each 4 KB that the server reads
/// would cost it a wake-up each time.
constexpr auto kPipePause = std::chrono::microseconds(200);
constexpr auto kOpenPause = std::chrono::milliseconds(1);
constexpr Nanos kMemoryWatch = 100 * kMillisecond;

void rest(auto span) {
  std::this_thread::sleep_for(span);
}

/// What all streams of a load share.
struct StreamShared {
  const LoadPlan& plan;
  std::atomic<std::uint64_t> done{0};
  std::atomic<Nanos> stoppedAt{0};            ///< 0: not stopped
  std::atomic<Nanos> watchUntil{kUnlimited};  ///< ends readings of INFO; on SteadyClock

  bool stopped() const { return stoppedAt != 0; }
};

/// One server's stream.
class RdbStream {
 public:
  static Result<std::unique_ptr<RdbStream>> prepare(StreamShared& shared, const RdbTarget& target) {
    const Credentials& who = shared.plan.credentials;
    auto pipe = RdbPipe::claim(target.dump);
    if (!pipe) return fail(named(target, std::move(pipe.error())));
    // Connected before it loads: then it answers no PING. That it answers now shows, too, that a
    // DEBUG RELOAD of a load that was killed is over.
    auto waitUntil = std::make_unique<std::atomic<Nanos>>(kUnlimited);
    auto control = Admin::connect(target.endpoint, who, Admin::kDefaultTimeout, waitUntil.get());
    if (!control) return fail(std::move(control.error()));
    auto watch = Admin::connect(target.endpoint, who, Admin::kDefaultTimeout, &shared.watchUntil);
    if (!watch) return fail(std::move(watch.error()));
    const auto info = watch->info({"memory"});
    if (!info) return fail(info.error());
    if (auto placed = pipe->place(); !placed) return fail(named(target, std::move(placed.error())));
    std::unique_ptr<RdbStream> stream(new RdbStream(shared, target, std::move(waitUntil),
                                                    std::move(*control), std::move(*watch),
                                                    std::move(*pipe)));
    stream->firstUsed_ = stream->lastUsed_ = info->count("used_memory");
    return stream;
  }

  bool good() const { return status_.has_value(); }  ///< after run()

  /// The whole of it, on a thread of its own.
  void run(int cpu) {
    // Before the server opens the pipe, and would wait in vain for its data.
    if (cpu >= 0)
      if (status_ = pinThisThread(cpu); !status_) return pipe_.close();
    std::thread reloading([this] { reload(); });
    Status ended = stream();
    pipe_.close();
    if (!ended && ended.error().code != ErrorCode::unreachable) giveUp();
    awaitReply();
    reloading.join();
    status_ = verdict(std::move(ended));
    // A server that ended has nothing of its stream, and of another error nobody knows.
    if (!status_ && status_.error().code != ErrorCode::timeout &&
        status_.error().code != ErrorCode::noSpace)
      sent_ = {shared_.plan.from, 0};
    usage_ = readThreadUsage();
  }

  /// Ends the stream before it would reach maxmemory: a server evicts nothing while it loads, and
  /// would do so for all of it afterwards.
  void watchMemory() {
    if (full_ || replied_) return;
    const auto info = watch_.info({"memory"});
    if (!info) return;
    const std::uint64_t used = info->count("used_memory"), limit = info->count("maxmemory");
    const std::uint64_t growth = used > lastUsed_ ? used - lastUsed_ : 0;
    lastUsed_ = used;
    if (limit == 0 || used + std::min(growth, stillToCome(used)) < limit) return;
    fullText_ = fmt::format("{} is full: used_memory {} of maxmemory {}", name(), formatSize(used),
                            formatSize(limit));
    full_ = true;
  }

  void addTo(LoadOutcome& outcome) const {
    outcome.resumeFrom = std::min(outcome.resumeFrom, sent_.nextId);
    outcome.cpuUser += usage_.user;
    outcome.cpuSystem += usage_.system;
    outcome.done += sent_.keys;
    outcome.counters.keysSent += source_.keys();
    outcome.counters.batches += pieces_;
    outcome.counters.bytesSent += bytes_;
    outcome.counters.commands += 1;
    if (!status_ && outcome.status) outcome.status = status_;
    if (source_.keysBySlot().empty()) return;
    ClusterTally tally;
    tally.slots = source_.keysBySlot();
    NodeTally node;
    node.addr = name();
    node.completed = sent_.keys;
    tally.nodes.push_back(std::move(node));
    outcome.cluster.merge(tally);
  }

 private:
  RdbStream(StreamShared& shared, const RdbTarget& target,
            std::unique_ptr<std::atomic<Nanos>> waitUntil, Admin control, Admin watch, RdbPipe pipe)
      : shared_(shared),
        target_(target),
        waitUntil_(std::move(waitUntil)),
        control_(std::move(control)),
        watch_(std::move(watch)),
        pipe_(std::move(pipe)),
        source_(shared.plan, target.version, target.slots),
        sent_{shared.plan.from, 0},
        sentUpTo_(shared.plan.from) {}

  static Error named(const RdbTarget& target, Error error) {
    error.message = fmt::format("{}: {}", target.endpoint.text(), error.message);
    return error;
  }

  std::string name() const { return target_.endpoint.text(); }

  /// Bytes that the rest of the stream will take, by what its beginning took.
  std::uint64_t stillToCome(std::uint64_t used) const {
    const std::uint64_t done = sentUpTo_ - shared_.plan.from;
    if (done == 0) return std::numeric_limits<std::uint64_t>::max() - used;
    const std::uint64_t taken = used > firstUsed_ ? used - firstUsed_ : 0;
    return static_cast<std::uint64_t>(static_cast<double>(taken) *
                                      static_cast<double>(shared_.plan.keys - sentUpTo_) /
                                      static_cast<double>(done));
  }

  void reload() {
    auto reply = control_.commandRaw({"DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"}, kUnlimited);
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    replied_ = true;
    changed_.notify_all();
  }

  /// unreachable: the server reads no more, and its reply says why.
  Status stream() {
    while (!pipe_.opened()) {
      if (replied_) return fail(ErrorCode::unreachable, "{} did not open its dump file", name());
      if (silent()) return fail(ErrorCode::timeout, "{} does not begin to load", name());
      rest(kOpenPause);
    }
    for (;;) {
      if (shared_.stopped() || full_) source_.endEarly();
      const std::string_view piece = source_.next();
      if (piece.empty()) return {};
      const auto [written, ended] = write(piece);
      const std::uint64_t before = sent_.keys;
      sent_ = source_.takenWith(written);
      sentUpTo_ = sent_.nextId;
      shared_.done += sent_.keys - before;
      if (!ended) return ended;
    }
  }

  struct Write {
    std::size_t bytes;  ///< that are in the pipe or loaded
    Status status;
  };

  Write write(std::string_view piece) {
    ++pieces_;
    std::size_t done = 0;
    for (;;) {
      const auto written = pipe_.writeSome(piece.substr(done));
      if (!written) return {done, fail(written.error())};
      done += *written;
      bytes_ += *written;
      if (*written != 0) movedAt_ = SteadyClock::read();
      if (done == piece.size()) return {done, {}};
      if (silent())
        return {done, fail(ErrorCode::timeout,
                           "{} reads no more of its stream, and stores what it was sent when it "
                           "continues",
                           name())};
      rest(kPipePause);
    }
  }

  /// Stopped, and the server has done nothing for a while.
  bool silent() const {
    if (!shared_.stopped()) return false;
    return SteadyClock::read() - std::max(shared_.stoppedAt.load(), movedAt_) >
           RdbLoading::kPatience;
  }

  void awaitReply() {
    std::unique_lock lock(mutex_);
    while (
        !changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return replied_.load(); }))
      if (silent()) giveUp();
  }

  void giveUp() { *waitUntil_ = 0; }

  Status verdict(Status ended) {
    if (!reply_) {
      if (!ended && ended.error().code == ErrorCode::timeout) return ended;
      if (reply_.error().code == ErrorCode::interrupted)
        return fail(ErrorCode::timeout, "{} did not end its load", name());
      return fail(ErrorCode::unreachable, "{} ended while it was loading: see its log ({})", name(),
                  reply_.error().message);
    }
    if (reply_->isError())
      return fail(ErrorCode::refused, "{} refuses DEBUG RELOAD: {}", name(), reply_->text);
    if (!ended) return ended;
    if (auto counted = checkCount(); !counted) return counted;
    if (full_ && sent_.nextId != shared_.plan.keys)
      return fail(ErrorCode::noSpace, "{}", fullText_);
    return {};
  }

  /// Keys whose time had passed when the load began are not loaded, and are counted.
  Status checkCount() {
    const auto info = control_.info({"persistence"});
    if (!info) return fail(info.error());
    const std::uint64_t loaded =
        info->count("rdb_last_load_keys_loaded") + info->count("rdb_last_load_keys_expired");
    if (loaded == source_.keys()) return {};
    return fail(ErrorCode::io, "{} loaded {} keys of {}: another program reloaded it meanwhile",
                name(), loaded, source_.keys());
  }

  StreamShared& shared_;
  const RdbTarget target_;
  std::unique_ptr<std::atomic<Nanos>> waitUntil_;  // for the reply
  Admin control_, watch_;
  RdbPipe pipe_;
  RdbSource source_;
  RdbSource::Taken sent_;                // what the server has, or finds in the pipe
  std::atomic<std::uint64_t> sentUpTo_;  // the same, for the thread that watches
  std::uint64_t pieces_ = 0, bytes_ = 0;
  Nanos movedAt_ = 0;  // when the pipe last took bytes
  std::atomic<bool> full_{false};
  std::string fullText_;  // written before full_ is set
  std::uint64_t firstUsed_ = 0, lastUsed_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> replied_{false};
  Result<Value> reply_;

  Status status_;
  ThreadUsage usage_;
};

}  // namespace

struct RdbLoading::Impl {
  LoadPlan plan;
  StreamShared shared{plan};
  TerminalStopOff untilOver;
  std::vector<std::unique_ptr<RdbStream>> streams;
  std::vector<std::thread> threads;
  std::thread watch;
  Nanos begin = 0;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::size_t running = 0;
  Nanos end = 0;

  explicit Impl(const LoadPlan& loadPlan) : plan(loadPlan) {}

  void work(std::size_t index) {
    const int cpu = plan.cpus.empty() ? -1 : plan.cpus[index % plan.cpus.size()];
    streams[index]->run(cpu);
    if (!streams[index]->good()) stop();
    const std::lock_guard lock(mutex);
    end = std::max(end, SteadyClock::read());
    --running;
    changed.notify_all();
  }

  void watchMemory() {
    for (;;) {
      {
        std::unique_lock lock(mutex);
        if (changed.wait_for(lock, std::chrono::nanoseconds(kMemoryWatch),
                             [this] { return running == 0; }))
          return;
      }
      for (const auto& stream : streams) stream->watchMemory();
    }
  }

  void stop() {
    Nanos never = 0;
    shared.stoppedAt.compare_exchange_strong(never, SteadyClock::read());
  }

  void joinAll() {
    for (auto& thread : threads)
      if (thread.joinable()) thread.join();
    shared.watchUntil = 0;
    if (watch.joinable()) watch.join();
  }
};

RdbLoading::RdbLoading(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

RdbLoading::~RdbLoading() {
  impl_->stop();
  impl_->joinAll();
}

Result<std::unique_ptr<RdbLoading>> RdbLoading::start(const LoadPlan& plan,
                                                      const std::vector<RdbTarget>& targets) {
  std::unique_ptr<RdbLoading> loading(new RdbLoading(std::make_unique<Impl>(plan)));
  Impl& impl = *loading->impl_;
  for (const RdbTarget& target : targets) {
    auto stream = RdbStream::prepare(impl.shared, target);
    if (!stream) return fail(std::move(stream.error()));
    impl.streams.push_back(std::move(*stream));
  }
  impl.begin = SteadyClock::read();
  impl.running = impl.streams.size();
  for (std::size_t i = 0; i < impl.streams.size(); ++i)
    impl.threads.emplace_back([&impl, i] { impl.work(i); });
  impl.watch = std::thread([&impl] { impl.watchMemory(); });
  return loading;
}

std::uint64_t RdbLoading::done() const {
  return impl_->shared.done;
}

bool RdbLoading::waitFor(Nanos span) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, std::chrono::nanoseconds(span),
                                 [this] { return impl_->running == 0; });
}

void RdbLoading::stop() {
  impl_->stop();
}

LoadOutcome RdbLoading::join() {
  impl_->joinAll();
  LoadOutcome outcome;
  outcome.begin = impl_->begin;
  outcome.end = impl_->end;
  outcome.resumeFrom = impl_->plan.keys;
  outcome.threads = static_cast<unsigned>(impl_->streams.size());
  outcome.io = "pipe";
  for (const auto& stream : impl_->streams) stream->addTo(outcome);
  return outcome;
}

}  // namespace redline
