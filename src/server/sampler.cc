#include "server/sampler.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <optional>
#include <utility>

#include "base/periodic.h"
#include "server/kernel_figures.h"
#include "server/observer_names.h"
#include "server/server_log.h"
#include "transport/gate.h"

namespace redline {
namespace {

/// How long stop() lets a server answer for its last sample.
constexpr Nanos kLastChance = 300 * kMillisecond;
constexpr std::string_view kSlowlogEntries = "32";  ///< more are asked for when these are all new

}  // namespace

/// One server, on its own thread.
class Sampler::Watch {
 public:
  Watch(Sampler& sampler, const Endpoint& server)
      : sampler_(sampler), server_(server), addr_(server.text()) {}

  void run() {
    local_ = isLocal(server_).value_or(false);
    const Nanos interval = sampler_.options_.interval;
    const Nanos slowlog = sampler_.options_.slowlog ? sampler_.options_.slowlogInterval : interval;
    Nanos nextSample = SteadyClock::read();
    Nanos nextSlowlog = nextSample;
    bool first = true;
    for (;;) {
      const Nanos now = SteadyClock::read();
      if (now >= nextSample) {
        sample(false);
        nextSample = nextDue(nextSample, interval, SteadyClock::read());
      }
      if (now >= nextSlowlog) {
        readSlowlog();
        nextSlowlog = nextDue(nextSlowlog, slowlog, SteadyClock::read());
      }
      if (std::exchange(first, false)) tried();
      if (!sleepUntil(std::min(nextSample, nextSlowlog))) break;
    }
    finish();
  }

 private:
  /// False when it is time to stop.
  bool sleepUntil(Nanos when) {
    std::unique_lock lock(sampler_.mutex_);
    const auto until = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when));
    return !sampler_.wake_.wait_until(lock, until, [&] { return sampler_.stopping_; });
  }

  void tried() {
    const std::lock_guard lock(sampler_.mutex_);
    --sampler_.firstPending_;
    sampler_.wake_.notify_all();
  }

  /// The connection in use, or a new one; null when there is none to be had.
  Admin* admin() {
    if (admin_ && admin_->connected()) return &*admin_;
    admin_.reset();
    auto fresh = Admin::connect(server_, sampler_.options_.credentials, sampler_.options_.timeout,
                                &sampler_.waitLimit_);
    if (!fresh) {
      lost(fresh.error());
      return nullptr;
    }
    admin_.emplace(std::move(*fresh));
    (void)admin_->commandRaw(
        {"CLIENT", "SETNAME", kSamplerClient});  // names our own slow-log entries
    return &*admin_;
  }

  void sample(bool last) {
    Admin* const connection = admin();
    if (connection == nullptr) return;
    auto info = connection->info({"server", "clients", "memory", "persistence", "stats",
                                  "replication", "cpu", "commandstats", "errorstats", "keyspace"});
    if (!info) return refusedOrLost(info.error());
    ServerSample sample;
    sample.at = sampler_.clock_.now();
    found(*info);
    sample.addr = addr_;
    sample.role = info->role();
    sample.info = std::move(info->fields);
    if (local_) addKernelFigures(sample, process_);
    {
      const std::lock_guard lock(sampler_.report_);
      sampler_.onSample_(sample);
    }
    if (sampler_.options_.latency) readLatency(last);
  }

  void readSlowlog() {
    if (!sampler_.options_.slowlog || gapSince_ || !admin_ || !admin_->connected()) return;
    auto reply = admin_->command({"SLOWLOG", "GET", kSlowlogEntries});
    if (reply && slowlog_.hasGap(*reply)) reply = admin_->command({"SLOWLOG", "GET", "-1"});
    if (!reply) return refusedOrLost(reply.error());
    for (Event& event : slowlog_.read(*reply, sampler_.clock_.now())) report(std::move(event));
  }

  void readLatency(bool last) {
    auto latest = admin_->command({"LATENCY", "LATEST"});
    if (!latest) return refusedOrLost(latest.error());
    if (!std::exchange(latencyKnown_, true)) return latency_.start(*latest);
    const Nanos wall = wallNow();
    const Nanos toRun = sampler_.clock_.now() - wall;
    for (const std::string& name : latency_.changed(*latest)) {
      auto history = admin_->command({"LATENCY", "HISTORY", name});
      if (!history) return refusedOrLost(history.error());
      for (Event& event : latency_.read(name, *history, wall / kSecond, toRun, last))
        report(std::move(event));
    }
  }

  /// A user that may not read the logs does without them; a lost connection is a gap.
  void refusedOrLost(const Error& error) {
    if (!admin_ || !admin_->connected()) lost(error);
  }

  void lost(const Error& error) {
    // Waits cut short by stop() say nothing about the server.
    if (gapSince_ || error.code == ErrorCode::interrupted) return;
    gapSince_ = sampler_.clock_.now();
    report({*gapSince_, "connection", "gap", "begin", {}, error.message, 0});
  }

  /// INFO came: ends a gap, and detects a restarted server.
  void found(const ServerInfo& info) {
    const std::string run(info.text("run_id"));
    const bool restarted = !runId_.empty() && run != runId_;
    if (restarted) slowlog_.restart();
    runId_ = run;
    if (!gapSince_) return;
    const Nanos now = sampler_.clock_.now();
    report({now,
            "connection",
            "gap",
            "end",
            {},
            restarted ? "answers again, after a restart" : "answers again",
            now - *gapSince_});
    gapSince_.reset();
  }

  void report(Event event) {
    event.node = addr_;
    const std::lock_guard lock(sampler_.report_);
    sampler_.onEvent_(event);
  }

  void finish() {
    readSlowlog();
    sample(true);
  }

  Sampler& sampler_;
  Endpoint server_;
  std::string addr_;
  std::optional<Admin> admin_;
  SlowlogReader slowlog_;
  LatencyReader latency_;
  bool latencyKnown_ = false;
  std::string runId_;
  bool local_ = false;  ///< on this machine
  ServerProcess process_;
  std::optional<Nanos> gapSince_;
};

Sampler::Sampler(SamplerOptions options, const Clock& clock, OnSample onSample, OnEvent onEvent)
    : options_(std::move(options)),
      clock_(clock),
      onSample_(std::move(onSample)),
      onEvent_(std::move(onEvent)),
      firstPending_(options_.servers.size()),
      waitLimit_(std::numeric_limits<Nanos>::max()) {
  for (const Endpoint& server : options_.servers)
    threads_.emplace_back([this, server] { Watch(*this, server).run(); });
}

Sampler::~Sampler() {
  stop();
}

void Sampler::awaitFirst() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return firstPending_ == 0 || stopping_; });
}

void Sampler::stop() {
  waitLimit_.store(SteadyClock::read() + kLastChance, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace redline
