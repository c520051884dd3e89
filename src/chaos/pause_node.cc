#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/target.h"
#include "server/process_pause.h"

namespace redline {
namespace {

/// What the guard allows beyond the time asked for, before it resumes the server by itself.
constexpr Nanos kGrace = 5 * kSecond;
constexpr Nanos kPingTimeout = 60 * kSecond;

class PauseNode final : public Fault {
 public:
  PauseNode(FaultArguments arguments, const FaultContext& context)
      : Fault(context), arguments_(std::move(arguments)) {}

  Status prepare() override {
    const auto target = targetOf(arguments_, context_);
    if (!target) return fail(target.error());
    findings_.node = target->text();
    const auto server = ownServerAt(*target, context_);
    if (!server) return fail(server.error());
    server_ = *server;
    auto admin = connectForFault(*target, context_);
    if (!admin) return fail(admin.error());
    admin_.emplace(std::move(*admin));
    return aim();
  }

  /// Another fault may have killed the server and started it again.
  Status check() override {
    if (auto there = keepConnected(*admin_, admin_->endpoint(), context_); !there) return there;
    const auto process = server_->current();
    if (!process) return fail(process.error());
    return *process == process_ ? Status{} : aim();
  }

  Status inject() override {
    if (auto held = pause_->hold(); !held) return held;
    const Nanos begin = now();
    const bool whole = sleep(arguments_.duration("for"));
    const Nanos end = now();
    if (auto released = pause_->release(); !released) return released;
    const auto answer = admin_->commandRaw({"PING"}, kPingTimeout);
    const Nanos answered = now();
    findings_.figures = {{"paused_s", toSeconds(end - begin)},
                         {"answered_after_us", toMicros(answered - end)}};
    findings_.detail =
        fmt::format("held for {}{}, answered {} after it was resumed", formatDuration(end - begin),
                    whole ? "" : " (cut short)", formatDuration(answered - end));
    if (answer) return {};
    return fail(answer.error().code, "{} was resumed and does not answer: {}", findings_.node,
                answer.error().message);
  }

  Status heal() override { return pause_->release(); }

 private:
  Status aim() {
    auto process = server_->current();
    if (!process) return fail(std::move(process.error()));
    process_ = *process;
    auto pause = ProcessPause::prepare(process_, arguments_.duration("for") + kGrace);
    if (!pause) return fail(pause.error());
    pause_.reset();  // it lets go of the process that it had
    pause_.emplace(std::move(*pause));
    return {};
  }

  FaultArguments arguments_;
  const OwnServer* server_ = nullptr;
  ProcessId process_;
  std::optional<Admin> admin_;
  std::optional<ProcessPause> pause_;
};

}  // namespace

FaultSpec pauseNodeFault() {
  return {.name = "pause-node",
          .summary =
              "SIGSTOP: the server stops and keeps its connections; it is resumed even if redline "
              "is killed",
          .parameters = {targetParameter(),
                         {.name = "for",
                          .kind = ValueKind::duration,
                          .fallback = "1s",
                          .help = "duration of the pause",
                          .example = "500ms",
                          .least = "1us",
                          .most = "1h"}},
          .destructive = true,
          .needsProcess = true,
          .make = makeFault<PauseNode>};
}

}  // namespace redline
