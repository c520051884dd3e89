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
#include "server/rdb_fifo.h"

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
    // Connected before it loads: then it answers no PING.
    auto waitUntil = std::make_unique<std::atomic<Nanos>>(kUnlimited);
    auto control = Admin::connect(target.endpoint, who, Admin::kDefaultTimeout, waitUntil.get());
    if (!control) return fail(std::move(control.error()));
    auto watch = Admin::connect(target.endpoint, who, Admin::kDefaultTimeout, &shared.watchUntil);
    if (!watch) return fail(std::move(watch.error()));
    auto fifo = RdbFifo::create(target.dump);
    if (!fifo) return fail(std::move(fifo.error()));
    return std::unique_ptr<RdbStream>(new RdbStream(shared, target, std::move(waitUntil),
                                                    std::move(*control), std::move(*watch),
                                                    std::move(*fifo)));
  }

  bool good() const { return status_.has_value(); }  ///< after run()

  /// The whole of it, on a thread of its own.
  void run(int cpu) {
    // Before the server opens the FIFO, and would wait in vain for a writer.
    if (cpu >= 0)
      if (status_ = pinThisThread(cpu); !status_) return fifo_.close();
    std::thread reloading([this] { reload(); });
    Status ended = stream();
    fifo_.close();
    if (!ended && ended.error().code != ErrorCode::unreachable) giveUp();
    awaitReply();
    reloading.join();
    status_ = verdict(std::move(ended));
    usage_ = readThreadUsage();
  }

  /// Ends the stream before it would reach maxmemory: a server evicts nothing while it loads, and
  /// would do so for all of it afterwards.
  void watchMemory() {
    if (full_ || replied_) return;
    const auto info = watch_.info({"memory"});
    if (!info) return;
    const std::uint64_t used = info->count("used_memory"), limit = info->count("maxmemory");
    const std::uint64_t growth = lastUsed_ != 0 && used > lastUsed_ ? used - lastUsed_ : 0;
    lastUsed_ = used;
    if (limit == 0 || used + growth < limit) return;
    fullText_ = fmt::format("{} is full: used_memory {} of maxmemory {}", name(), formatSize(used),
                            formatSize(limit));
    full_ = true;
  }

  void addTo(LoadOutcome& outcome) const {
    outcome.resumeFrom = std::min(outcome.resumeFrom, source_.nextId());
    outcome.cpuUser += usage_.user;
    outcome.cpuSystem += usage_.system;
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
    node.completed = source_.keys();
    tally.nodes.push_back(std::move(node));
    outcome.cluster.merge(tally);
  }

 private:
  RdbStream(StreamShared& shared, const RdbTarget& target,
            std::unique_ptr<std::atomic<Nanos>> waitUntil, Admin control, Admin watch, RdbFifo fifo)
      : shared_(shared),
        target_(target),
        waitUntil_(std::move(waitUntil)),
        control_(std::move(control)),
        watch_(std::move(watch)),
        fifo_(std::move(fifo)),
        source_(shared.plan, target.version, target.slots) {}

  std::string name() const { return target_.endpoint.text(); }

  void reload() {
    auto reply = control_.commandRaw({"DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"}, kUnlimited);
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    replied_ = true;
    changed_.notify_all();
  }

  /// unreachable: the server reads no more, and its reply says why.
  Status stream() {
    for (;;) {
      const auto opened = fifo_.open();
      if (!opened) return fail(opened.error());
      if (*opened) break;
      if (replied_) return fail(ErrorCode::unreachable, "{} did not open its dump file", name());
      if (silent()) return fail(ErrorCode::timeout, "{} does not begin to load", name());
      rest(kOpenPause);
    }
    for (;;) {
      if (shared_.stopped() || full_) source_.endEarly();
      const std::uint64_t before = source_.keys();
      const std::string_view piece = source_.next();
      if (piece.empty()) return {};
      if (auto written = write(piece); !written) return written;
      shared_.done += source_.keys() - before;
    }
  }

  Status write(std::string_view piece) {
    ++pieces_;
    while (!piece.empty()) {
      const auto written = fifo_.writeSome(piece);
      if (!written) return fail(written.error());
      piece.remove_prefix(*written);
      bytes_ += *written;
      if (*written != 0) movedAt_ = SteadyClock::read();
      if (piece.empty()) break;
      if (silent())
        return fail(ErrorCode::timeout,
                    "{} did not take the end of its stream, and will exit when it continues",
                    name());
      rest(kPipePause);
    }
    return {};
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
    if (full_) return fail(ErrorCode::noSpace, "{}", fullText_);
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
  RdbFifo fifo_;
  RdbSource source_;
  std::uint64_t pieces_ = 0, bytes_ = 0;
  Nanos movedAt_ = 0;  // when the pipe last took bytes
  std::atomic<bool> full_{false};
  std::string fullText_;  // written before full_ is set
  std::uint64_t lastUsed_ = 0;

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
  outcome.done = done();
  outcome.resumeFrom = impl_->plan.keys;
  outcome.threads = static_cast<unsigned>(impl_->streams.size());
  outcome.io = "pipe";
  for (const auto& stream : impl_->streams) stream->addTo(outcome);
  return outcome;
}

}  // namespace redline
