#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/fork_watch.h"
#include "chaos/target.h"
#include "server/host.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

constexpr Nanos kPoll = 20 * kMillisecond;
constexpr Nanos kLongest = 30 * 60 * kSecond;  ///< of one snapshot
constexpr Nanos kLongestHeal = 120 * kSecond;
constexpr Nanos kCommandTimeout = 60 * kSecond;  ///< a fork of 100 GB blocks for seconds

class Bgsave final : public Fault {
 public:
  Bgsave(FaultArguments arguments, const FaultContext& context)
      : Fault(context), arguments_(std::move(arguments)) {}

  Status prepare() override {
    const auto target = targetOf(arguments_, context_);
    if (!target) return fail(target.error());
    findings_.node = target->text();
    auto admin = connectForFault(*target, context_);
    if (!admin) return fail(admin.error());
    admin_.emplace(std::move(*admin));
    const auto dir = admin_->configGet("dir");
    if (!dir) return fail(dir.error());
    const auto name = admin_->configGet("dbfilename");
    if (!name) return fail(name.error());
    directory_ = *dir;
    file_ = fs::path(*dir) / *name;
    std::error_code problem;
    removeFile_ = findOwn(context_.own, *target) != nullptr && !fs::exists(file_, problem);
    return check();
  }

  Status check() override {
    auto estimate = estimateFork(*admin_);
    if (!estimate) return fail(estimate.error());
    estimate_ = *estimate;
    if (context_.force) return {};
    if (auto fits = checkForkMemory(estimate_, readHost(0).memoryAvailable); !fits) return fits;
    const auto info = admin_->info({"memory"});
    if (!info) return fail(info.error());
    return checkForkDisk(directory_, info->count("used_memory"));
  }

  Status inject() override {
    const auto before = read();
    if (!before) return fail(before.error());
    const Nanos begin = now();
    const auto reply = admin_->command({"BGSAVE"}, kCommandTimeout);
    if (!reply) return fail(reply.error());
    ours_ = true;
    auto after = watch(begin);
    if (!after) return fail(after.error());
    if (after->count("total_forks") <= before->count("total_forks"))
      return fail(ErrorCode::refused, "{} answered \"{}\" and did not fork", findings_.node,
                  reply->text);
    report(*after, now() - begin);
    if (!inProgress(*after) && after->text("rdb_last_bgsave_status") != "ok")
      return fail(ErrorCode::io,
                  "{} forked, but its snapshot failed: see its log for why it could not write {}",
                  findings_.node, file_.string());
    return {};
  }

  /// A child that still writes would disturb whatever comes next.
  Status heal() override {
    if (!ours_) return {};
    for (const Nanos end = now() + kLongestHeal; now() < end; pause()) {
      const auto info = read();
      if (!info) return fail(info.error());
      if (!inProgress(*info)) return {};
      progress(
          fmt::format("waiting for {} to finish its snapshot: {}", findings_.node, howFar(*info)));
    }
    return fail(ErrorCode::timeout, "{} still writes its snapshot after {}", findings_.node,
                formatDuration(kLongestHeal));
  }

  Status tidy() override {
    std::error_code problem;
    if (removeFile_ && fs::remove(file_, problem); problem)
      return fail(ErrorCode::io, "cannot remove {}: {}", file_.string(), problem.message());
    return {};
  }

 private:
  static bool inProgress(const ServerInfo& info) {
    return info.count("rdb_bgsave_in_progress") != 0;
  }
  static void pause() { std::this_thread::sleep_for(std::chrono::nanoseconds(kPoll)); }

  Result<ServerInfo> read() {
    auto reply = admin_->command({"INFO", "persistence", "stats"}, kCommandTimeout);
    if (!reply) return fail(reply.error());
    return parseServerInfo(reply->text);
  }

  /// INFO as it is when the child has ended, or when the run ends before it.
  Result<ServerInfo> watch(Nanos begin) {
    for (;;) {
      auto info = read();
      if (!info) return info;
      peakCopied_ = std::max(peakCopied_, info->count("current_cow_peak"));
      if (!inProgress(*info) || now() - begin > kLongest) return info;
      progress(fmt::format("{} writes its snapshot: {}", findings_.node, howFar(*info)));
      if (!sleep(kPoll)) return info;
    }
  }

  static std::string howFar(const ServerInfo& info) {
    const double done = info.number("current_save_keys_processed");
    const double all = info.number("current_save_keys_total");
    const double seconds = info.number("rdb_current_bgsave_time_sec");
    if (done <= 0 || all <= 0) return "it has begun";
    std::string text = fmt::format("{:.0f}%", 100 * done / all);
    if (seconds > 0) text += fmt::format(", {:.0f} s left", seconds * (all - done) / done);
    return text;
  }

  void report(const ServerInfo& info, Nanos span) {
    const std::uint64_t copied = info.count("rdb_last_cow_size");
    const double fork = info.number("latest_fork_usec");
    findings_.figures = {{"fork_us", fork},
                         {"snapshot_s", static_cast<double>(span) / 1e9},
                         {"cow_bytes", static_cast<double>(copied)},
                         {"cow_peak_bytes", static_cast<double>(std::max(peakCopied_, copied))},
                         {"estimated_cow_bytes", static_cast<double>(estimate_.bytes)},
                         {"writes_per_s", estimate_.writesPerSecond}};
    findings_.detail = fmt::format(
        "fork {}, {} {}, copy-on-write {}", formatDuration(static_cast<Nanos>(fork * 1e3)),
        inProgress(info) ? "snapshot not yet written after" : "snapshot written in",
        formatDuration(span), formatSize(std::max(peakCopied_, copied)));
  }

  FaultArguments arguments_;
  std::optional<Admin> admin_;
  std::string directory_;
  fs::path file_;
  bool removeFile_ = false;  ///< it was not there before, and goes with the fault
  bool ours_ = false;        ///< the snapshot that is under way, if there is one
  ForkEstimate estimate_;
  std::uint64_t peakCopied_ = 0;
};

}  // namespace

FaultSpec bgsaveFault() {
  return {.name = "bgsave",
          .summary = "BGSAVE: the server forks, and a child writes a snapshot",
          .parameters = {targetParameter()},
          .make = [](const FaultArguments& arguments, const FaultContext& context)
              -> std::unique_ptr<Fault> { return std::make_unique<Bgsave>(arguments, context); }};
}

}  // namespace redline
