#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/target.h"
#include "server/cluster_admin.h"

namespace redline {
namespace {

constexpr Nanos kExitWait = 10 * kSecond;
constexpr Nanos kServesWait = 60 * kSecond;
constexpr Nanos kServesPoll = 20 * kMillisecond;

/// Kills a server and restarts it in its place, as a supervisor does: with what it has on disk.
class KillNode final : public Fault {
 public:
  KillNode(FaultArguments arguments, const FaultContext& context)
      : Fault(context), arguments_(std::move(arguments)) {}

  Status prepare() override {
    const auto target = targetOf(arguments_, context_);
    if (!target) return fail(target.error());
    target_ = *target;
    findings_.node = target_.text();
    const auto own = ownServerAt(target_, context_);
    if (!own) return fail(own.error());
    own_ = *own;
    auto admin = connectForFault(target_, context_);
    if (!admin) return fail(admin.error());
    admin_.emplace(std::move(*admin));
    auto credentials = restartCredentials(*admin_, context_);
    if (!credentials) return fail(std::move(credentials.error()));
    restartAs_ = std::move(*credentials);
    return look();
  }

  Status check() override {
    if (auto there = keepConnected(*admin_, target_, context_); !there) return there;
    return look();
  }

  Status inject() override {
    auto process = own_->current();
    if (!process) return fail(std::move(process.error()));
    killedAt_ = now();
    if (auto sent = sendSignal(*process, SIGKILL); !sent) return sent;
    isDead_ = true;
    if (!awaitExit(*process, kExitWait))
      return fail(ErrorCode::timeout, "process {} has survived SIGKILL", process->pid);
    point("killed", fmt::format("{} (pid {})", target_.text(), process->pid), killedAt_);
    const bool whole = sleep(arguments_.duration("for"));
    if (auto back = restart(); !back) return back;
    if (whole) return {};
    return fail(ErrorCode::interrupted, "the run ended while {} was dead; it is up again",
                target_.text());
  }

  Status heal() override { return isDead_ ? restart() : Status{}; }

 private:
  /// What there is to lose, and who would lose it too.
  Status look() {
    const auto info = admin_->info({"replication", "cluster"});
    if (!info) return fail(info.error());
    inCluster_ = info->count("cluster_enabled") != 0;
    const auto replicas = info->text("role") == "master" ? info->count("connected_slaves") : 0;
    if (replicas != 0 && !context_.force)
      return fail(ErrorCode::refused,
                  "{} has {} in sync: restarted empty, before they are elected, it would make them "
                  "empty too; use kill-master, or insist with -force",
                  target_.text(),
                  replicas == 1 ? "a replica" : fmt::format("{} replicas", replicas));
    keysBefore_ = keysOf(*admin_);
    return {};
  }

  Status restart() {
    if (auto started = own_->restart(restartAs_); !started) return started;
    isDead_ = false;
    auto admin = connectForFault(target_, context_);
    if (!admin) return fail(admin.error());
    *admin_ = std::move(*admin);
    const Nanos answered = now() - killedAt_;
    const auto keysAfter = keysOf(*admin_);
    point(
        "restarted",
        fmt::format("{} answers, {} after it was killed", target_.text(), formatDuration(answered)),
        killedAt_ + answered, {{"after_s", toSeconds(answered)}});
    if (auto serves = awaitServing(); !serves) return serves;
    report(answered, now() - killedAt_, keysAfter);
    return {};
  }

  /// A master of a cluster refuses everything for two seconds after its start (CLUSTERDOWN), so
  /// that others may have its slots.
  Status awaitServing() {
    if (!inCluster_) return {};
    const Nanos begin = now();
    std::string state = "unknown";
    while (now() < begin + kServesWait) {
      const auto said = admin_->command({"CLUSTER", "INFO"});
      if (!said) return fail(said.error());
      const auto fields = parseClusterInfo(said->text);
      if (const auto found = fields.find("cluster_state"); found != fields.end())
        state = found->second;
      if (state == "ok") return {};
      progress(fmt::format("{} is up again, and says cluster_state:{}", target_.text(), state));
      // Not sleep(): an interrupt does not end this wait, and would make it a loop without pauses.
      std::this_thread::sleep_for(std::chrono::nanoseconds(kServesPoll));
    }
    return fail(ErrorCode::timeout, "{} is up again and says cluster_state:{} for {}",
                target_.text(), state, formatDuration(kServesWait));
  }

  void report(Nanos answered, Nanos serves, std::optional<double> keysAfter) {
    findings_.figures = {{"answers_s", toSeconds(answered)}, {"serves_s", toSeconds(serves)}};
    findings_.detail = fmt::format("answers {} after it was killed, serves after {}",
                                   formatDuration(answered), formatDuration(serves));
    if (!keysBefore_ || !keysAfter) return;
    findings_.figures.emplace_back("keys_before", *keysBefore_);
    findings_.figures.emplace_back("keys_after", *keysAfter);
    findings_.detail +=
        fmt::format(", with {} of {} keys", formatCount(*keysAfter), formatCount(*keysBefore_));
  }

  FaultArguments arguments_;
  Endpoint target_;
  const OwnServer* own_ = nullptr;
  std::optional<Admin> admin_;
  Credentials restartAs_;
  bool inCluster_ = false, isDead_ = false;
  std::optional<double> keysBefore_;
  Nanos killedAt_ = 0;
};

}  // namespace

FaultSpec killNodeFault() {
  return {.name = "kill-node",
          .summary =
              "SIGKILL: the server dies, and is restarted after a while with what it has on disk: "
              "empty in stacks of ours",
          .parameters = {targetParameter(),
                         {.name = "for",
                          .kind = ValueKind::duration,
                          .fallback = "1s",
                          .help = "how long it stays dead",
                          .example = "500ms",
                          .least = "1us",
                          .most = "1h"}},
          .destructive = true,
          .needsProcess = true,
          .make = makeFault<KillNode>};
}

}  // namespace redline
