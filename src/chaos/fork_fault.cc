#include "chaos/fork_fault.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/units.h"
#include "chaos/target.h"
#include "server/host.h"

namespace redline {
namespace {

constexpr Nanos kForkPoll = 20 * kMillisecond;
constexpr Nanos kLongest = 30 * 60 * kSecond;  ///< of one child
constexpr Nanos kLongestHeal = 120 * kSecond;
constexpr Nanos kCommandTimeout = 60 * kSecond;  ///< a fork of 100 GB blocks for seconds

}  // namespace

Status ForkFault::prepare() {
  const auto target = targetOf(arguments_, context_);
  if (!target) return fail(target.error());
  findings_.node = target->text();
  auto connected = connectForFault(*target, context_);
  if (!connected) return fail(connected.error());
  admin_.emplace(std::move(*connected));
  auto directory = admin_->configGet("dir");
  if (!directory) return fail(directory.error());
  directory_ = std::move(*directory);
  ours_ = findOwn(context_.own, *target) != nullptr;
  return check();
}

Status ForkFault::check() {
  if (auto there = keepConnected(*admin_, admin_->endpoint(), context_); !there) return there;
  auto estimate = estimateFork(*admin_);
  if (!estimate) return fail(estimate.error());
  estimate_ = *estimate;
  if (context_.force) return {};
  if (auto fits = checkForkMemory(estimate_, readHost(0).memoryAvailable); !fits) return fits;
  const auto info = admin_->info({"memory"});
  if (!info) return fail(info.error());
  return checkForkDisk(directory_, info->count("used_memory"));
}

Status ForkFault::inject() {
  const auto before = read();
  if (!before) return fail(before.error());
  const Nanos begin = now();
  const auto reply = admin_->command({kind_.command}, kCommandTimeout);
  if (!reply) return fail(reply.error());
  begun_ = true;
  auto after = watch(begin);
  if (!after) return fail(after.error());
  if (after->count("total_forks") <= before->count("total_forks"))
    return fail(ErrorCode::refused, "{} answered \"{}\" and did not fork", findings_.node,
                reply->text);
  report(*after, now() - begin);
  if (!inProgress(*after) && after->text(kind_.lastStatus) != "ok")
    return fail(ErrorCode::io,
                "{} forked, but its {} failed: its log says why it could not write to {}",
                findings_.node, kind_.work, directory_);
  return {};
}

Status ForkFault::heal() {
  return begun_ ? awaitIdle() : Status{};
}

Status ForkFault::awaitIdle() {
  const Nanos end = now() + kLongestHeal;
  for (;;) {
    const auto info = read();
    if (!info) return fail(info.error());
    if (!inProgress(*info)) return {};
    if (now() >= end) break;
    progress(fmt::format("waiting for {} to finish its {}: {}", findings_.node, kind_.work,
                         progressText(*info)));
    std::this_thread::sleep_for(std::chrono::nanoseconds(kForkPoll));
  }
  return fail(ErrorCode::timeout, "{} still writes its {} after {}", findings_.node, kind_.work,
              formatDuration(kLongestHeal));
}

Result<ServerInfo> ForkFault::read() {
  auto reply = admin_->command({"INFO", "persistence", "stats"}, kCommandTimeout);
  if (!reply) return fail(reply.error());
  return parseServerInfo(reply->text);
}

/// INFO as it is when the child has ended, or when the run ends before it.
Result<ServerInfo> ForkFault::watch(Nanos begin) {
  for (;;) {
    auto info = read();
    if (!info) return info;
    peakCopied_ = std::max(peakCopied_, info->count("current_cow_peak"));
    if (!inProgress(*info) || now() - begin > kLongest) return info;
    progress(fmt::format("{} writes its {}: {}", findings_.node, kind_.work, progressText(*info)));
    if (!sleep(kForkPoll)) return info;
  }
}

std::string ForkFault::progressText(const ServerInfo& info) const {
  const double done = info.number("current_save_keys_processed");
  const double all = info.number("current_save_keys_total");
  const double seconds = info.number(kind_.currentSpan);
  if (done <= 0 || all <= 0) return "it has begun";
  std::string text = fmt::format("{:.0f}%", 100 * done / all);
  if (seconds > 0) text += fmt::format(", {:.0f} s left", seconds * (all - done) / done);
  return text;
}

void ForkFault::report(const ServerInfo& info, Nanos span) {
  const bool over = !inProgress(info);
  const std::uint64_t copied = over ? info.count(kind_.lastCopied) : 0;
  const std::uint64_t peak = std::max(peakCopied_, copied);
  const double fork = info.number("latest_fork_usec");
  findings_.figures = {{"fork_us", fork},
                       {std::string(kind_.spanFigure), toSeconds(span)},
                       {"cow_bytes", static_cast<double>(copied)},
                       {"cow_peak_bytes", static_cast<double>(peak)},
                       {"estimated_cow_bytes", static_cast<double>(estimate_.bytes)},
                       {"writes_per_s", estimate_.writesPerSecond}};
  findings_.detail = fmt::format("fork {}, {} {} {}, copy-on-write {}", formatMicros(fork),
                                 kind_.work, over ? "written in" : "not yet written after",
                                 formatDuration(span), formatSize(peak));
}

}  // namespace redline
