#include "server/ping_probe.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include "base/run_delay.h"
#include "base/units.h"
#include "os/fd.h"
#include "server/observer_names.h"

namespace redline {
namespace {

constexpr Nanos kNoTimeout = 24 * 3600 * kSecond;
constexpr Nanos kRetry = 10 * kMillisecond;  ///< between two attempts to connect

/// How long the calling thread has waited for a CPU since it began, from schedstat's second number.
class OwnWait {
 public:
  OwnWait() : fd_(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC)) {}
  /// 0 where the kernel keeps no such statistics.
  Nanos read() const {
    std::array<char, 96> text{};
    const ssize_t got = !fd_.valid() ? 0 : ::pread(fd_.get(), text.data(), text.size(), 0);
    if (got <= 0) return 0;
    return parseRunDelay({text.data(), static_cast<std::size_t>(got)}).value_or(0);
  }

 private:
  Fd fd_;
};

}  // namespace

/// One server, on its own thread.
class PingProbe::Watch {
 public:
  Watch(PingProbe& probe, Endpoint server) : probe_(probe), server_(std::move(server)) {}

  void run() {
    ::prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);  // or a sleep of a millisecond is one of 1.05
    Nanos next = SteadyClock::read();
    while (sleepUntil(next)) {
      const Nanos begin = SteadyClock::read();
      const bool answered = ping();
      next = std::max(begin + probe_.options_.period, SteadyClock::read());
      if (!answered) next += kRetry;
    }
    if (silentSince_) report(probe_.clock_.now(), " when the run was over");
  }

 private:
  /// False when it is time to stop.
  bool sleepUntil(Nanos when) {
    std::unique_lock lock(probe_.mutex_);
    const auto until = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when));
    return !probe_.wake_.wait_until(lock, until, [&] { return probe_.stopping_; });
  }

  /// False when there was no answer to be had at all.
  bool ping() {
    const Nanos sent = probe_.clock_.now();
    const Nanos waited = own_.read();
    const bool answered = askOnce();
    if (!silentSince_) {
      silentSince_ = sent;
      waitedBefore_ = waited;
    }
    if (!answered) return false;  // the stall continues
    report(probe_.clock_.now(), "");
    silentSince_.reset();
    return true;
  }

  /// Whatever it answers: -NOPERM and -LOADING are answers too.
  bool askOnce() {
    if (!admin_ || !admin_->connected()) {
      admin_.reset();
      auto fresh =
          Admin::connect(server_, probe_.options_.credentials, kNoTimeout, &probe_.waitLimit_);
      if (!fresh) return false;
      admin_.emplace(std::move(*fresh));
      (void)admin_->commandRaw({"CLIENT", "SETNAME", kProbeClient});
      return true;
    }
    return admin_->commandRaw({"PING"}, kNoTimeout).has_value();
  }

  void report(Nanos now, std::string_view when) {
    // A server that was never reached is reported elsewhere: there is no stall to time.
    if (!known_) {
      known_ = when.empty();
      return;
    }
    const Nanos waited = own_.read() - waitedBefore_;
    const Nanos silent = now - *silentSince_;
    if (silent - waited < probe_.options_.threshold) return;
    Event event;
    event.at = *silentSince_;
    event.kind = "stall";
    event.name = "ping";
    event.phase = "point";
    event.node = server_.text();
    event.duration = silent;
    event.detail = fmt::format("no answer to a PING for {}{}", formatDuration(silent), when);
    event.figures = {{"own_wait_us", toMicros(waited)}};
    const std::lock_guard lock(probe_.report_);
    probe_.onEvent_(event);
  }

  PingProbe& probe_;
  Endpoint server_;
  OwnWait own_;
  std::optional<Admin> admin_;
  bool known_ = false;                ///< it has answered once
  std::optional<Nanos> silentSince_;  ///< when the PING was sent that has no answer yet
  Nanos waitedBefore_ = 0;            ///< our own wait at that time
};

PingProbe::PingProbe(PingProbeOptions options, const Clock& clock, OnEvent onEvent)
    : options_(std::move(options)),
      clock_(clock),
      onEvent_(std::move(onEvent)),
      waitLimit_(std::numeric_limits<Nanos>::max()) {
  threads_.reserve(options_.servers.size());
  for (const Endpoint& server : options_.servers)
    threads_.emplace_back([this, server] { Watch(*this, server).run(); });
}

PingProbe::~PingProbe() {
  stop();
}

void PingProbe::stop() {
  waitLimit_.store(SteadyClock::read(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

}  // namespace redline
