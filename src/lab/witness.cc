#include "lab/witness.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/affinity.h"
#include "lab/core_gaps.h"
#include "lab/foreign_cpu.h"
#include "model/statistics.h"

namespace redline {
namespace {

constexpr Nanos kPeriod = 25 * kMillisecond;
constexpr Nanos kCanaryPeriod = 2 * kMillisecond;
/// With priority the canary is late by tens of microseconds, unless its core is gone.
constexpr Nanos kGap = 300 * kMicrosecond;
/// Without, it may wait for a slice of whoever runs.
constexpr Nanos kGapWithoutPriority = 6 * kMillisecond;
constexpr std::size_t kMostGaps = 100'000;
constexpr Nanos kCalibration = kSecond, kCalibrationPart = 100 * kMillisecond;
constexpr double kMargin = 0.02, kBackground = 0.25;
/// A machine whose cores are never there has no undisturbed intervals, whatever it is used to.
constexpr double kMostBackground = 0.05;

void sleepUntil(Nanos at) {
  const timespec until{at / kSecond, at % kSecond};
  ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

/// Above every ordinary thread, and the workers of -wait=realtime; the reason where that is
/// refused.
std::string takePriority() {
  sched_param priority{};
  priority.sched_priority = ::sched_get_priority_min(SCHED_FIFO) + 1;
  const int rc = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &priority);
  return rc == 0 ? std::string() : errnoText(rc);
}

/// The cumulated foreign time at `at`.
double foreignAt(const std::vector<Witnessed::Sample>& samples, Nanos at) {
  const auto after = std::ranges::lower_bound(samples, at, {}, &Witnessed::Sample::at);
  if (after->at == at) return static_cast<double>(after->foreign);
  const auto before = std::prev(after);
  const double part =
      static_cast<double>(at - before->at) / static_cast<double>(after->at - before->at);
  return static_cast<double>(before->foreign) +
         part * static_cast<double>(after->foreign - before->foreign);
}

}  // namespace

std::optional<double> Witnessed::foreignShare(Nanos from, Nanos to) const {
  if (to <= from || samples.empty() || samples.front().at > from || samples.back().at < to)
    return std::nullopt;
  double taken = foreignAt(samples, to) - foreignAt(samples, from);
  for (const Gap& gap : gaps)
    if (gap.at >= from && gap.at < to) taken += static_cast<double>(gap.length);
  return taken / static_cast<double>(to - from);
}

double Witnessed::gapShare(Core core) const {
  if (samples.size() < 2) return 0;
  double gone = 0;
  for (const Gap& gap : gaps)
    if (gap.core == core) gone += static_cast<double>(gap.length);
  return gone / static_cast<double>(samples.back().at - samples.front().at);
}

double Witnessed::kernelShare() const {
  if (samples.size() < 2) return 0;
  return static_cast<double>(samples.back().kernel) /
         static_cast<double>(samples.back().at - samples.front().at);
}

Witness::Witness(const LabCpus& cpus, std::filesystem::path servers)
    : servers_(std::move(servers)) {
  const auto server = firstCpu(cpus.server), generator = firstCpu(cpus.generator);
  seen_.gaps.reserve(kMostGaps / 100);
  threads_.emplace_back([this, generator] { sample(generator); });
  if (server)
    threads_.emplace_back([this, server] { keepWatch(*server, Witnessed::Core::server); });
  if (generator && generator != server)
    threads_.emplace_back([this, generator] { keepWatch(*generator, Witnessed::Core::generator); });
}

Witness::~Witness() {
  stop();
}

Witnessed Witness::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    ended_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::ranges::sort(seen_.gaps, {}, &Witnessed::Gap::at);
  return std::exchange(seen_, {});
}

bool Witness::stopped(Nanos wait) {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, std::chrono::nanoseconds(wait), [this] { return stopping_; });
}

void Witness::sample(const std::optional<unsigned>& cpu) {
  if (cpu) (void)pinThisThread(static_cast<int>(*cpu));
  ForeignTally tally([this](pid_t pid) { return ownerOf(pid, servers_); });
  OthersCpu sum;
  for (bool last = false;; last = stopped(kPeriod)) {
    const Nanos at = SteadyClock::read();
    const OthersCpu since = tally.add(readProcessCpus());
    sum.foreign += since.foreign;
    sum.kernel += since.kernel;
    seen_.samples.push_back({at, sum.foreign, sum.kernel});
    if (last) return;
  }
}

void Witness::keepWatch(unsigned cpu, Witnessed::Core core) {
  if (!pinThisThread(static_cast<int>(cpu))) return;
  std::string refused = takePriority();
  const Nanos worthKeeping = refused.empty() ? kGap : kGapWithoutPriority;
  if (!refused.empty()) {
    const std::lock_guard lock(mutex_);
    seen_.canaryRefused = std::move(refused);
  }
  for (Nanos due = SteadyClock::read() + kCanaryPeriod; !ended_; due += kCanaryPeriod) {
    sleepUntil(due);
    const Nanos now = SteadyClock::read();
    if (now - due >= worthKeeping) {
      const std::lock_guard lock(mutex_);
      if (seen_.gaps.size() < kMostGaps) seen_.gaps.push_back({now, now - due, core});
    }
    due = std::max(due, now - kCanaryPeriod);  // a gap is not made up for by waking at once
  }
}

double tolerableForeignShare(const Witnessed& idle) {
  std::vector<double> shares;
  if (!idle.samples.empty())
    for (Nanos from = idle.samples.front().at; from < idle.samples.back().at;
         from += kCalibrationPart)
      if (const auto share = idle.foreignShare(from, from + kCalibrationPart))
        shares.push_back(*share);
  return std::min(quantileOf(shares, kBackground), kMostBackground) + kMargin;
}

double tolerableForeignShare(const LabCpus& cpus, const std::filesystem::path& servers) {
  Witness witness(cpus, servers);
  sleepUntil(SteadyClock::read() + kCalibration);
  return tolerableForeignShare(witness.stop());
}

}  // namespace redline
