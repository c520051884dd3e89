#include "chaos/bracket.h"

#include <fmt/format.h>

#include <utility>

#include "chaos/target.h"
#include "server/own_servers.h"

namespace redline {
namespace {

/// Healing that takes longer gets an event of its own.
constexpr Nanos kReportedHealing = 10 * kMillisecond;

}  // namespace

std::string FaultOutcome::problem() const {
  if (!injectStatus) return injectStatus.error().message;
  return healStatus ? std::string{} : healStatus.error().message;
}

FaultBracket::FaultBracket(const PlannedFault& fault, const FaultContext& context)
    : spec_(fault.spec),
      arguments_(fault.arguments),
      context_(context),
      fault_(spec_->make(arguments_, context)) {}

FaultBracket::~FaultBracket() {
  heal();
  tidy();
}

/// Every server that the fault may reach must be ours: those of -addr, and its target. A fault of a
/// cluster may have words for its target, and looks at all nodes itself: checkMembers().
Status FaultBracket::checkAllowed() const {
  if (context_.force || !spec_->harms(arguments_)) return {};
  std::vector<Endpoint> reached = context_.servers;
  if (!spec_->clusterOnly) {
    auto target = targetOf(*spec_, arguments_, context_);
    if (!target) return fail(target.error());
    reached.push_back(std::move(*target));
  }
  for (const Endpoint& endpoint : reached) {
    if (findOwn(context_.own, endpoint) != nullptr) continue;
    if (isTakenOver(context_.own, endpoint))
      return fail(ErrorCode::unsafe,
                  "{} harms its target, and on {} another process listens than the server that "
                  "redline started there, which is dead{}",
                  spec_->name, endpoint.text(),
                  spec_->needsProcess ? "" : ": insist with -force if it may be harmed");
    return fail(ErrorCode::unsafe,
                "{} harms its target, and {} was not started by redline: start one with `redline "
                "stack up`{}",
                spec_->name, endpoint.text(),
                spec_->needsProcess ? "; its process is not known, so -force does not help"
                                    : ", or insist with -force");
  }
  return {};
}

Status FaultBracket::prepare() {
  outcome_.injectStatus = checkAllowed();
  if (!outcome_.injectStatus) return outcome_.injectStatus;
  prepared_ = true;
  auto ready = fault_->prepare();
  outcome_.findings = fault_->findings();
  if (!ready) {
    outcome_.injectStatus = ready;
    tidy();
  }
  return ready;
}

Status FaultBracket::check() {
  outcome_.injectStatus = fault_->check();
  outcome_.findings = fault_->findings();  // it may have chosen another target
  return outcome_.injectStatus;
}

void FaultBracket::inject() {
  outcome_.began = injured_ = true;
  outcome_.begin = context_.clock->now();
  emit("begin", outcome_.begin, 0, {}, {});
  outcome_.injectStatus = fault_->inject();
  outcome_.end = context_.clock->now();
  outcome_.findings = fault_->findings();
  emit("end", outcome_.end, outcome_.end - outcome_.begin,
       outcome_.injectStatus
           ? outcome_.findings.detail
           : fmt::format("had no effect: {}", outcome_.injectStatus.error().message),
       outcome_.findings.figures);
  heal();
  outcome_.healed = context_.clock->now();
  if (outcome_.healed - outcome_.end >= kReportedHealing)
    emit("healed", outcome_.end, outcome_.healed - outcome_.end,
         outcome_.healStatus ? std::string{} : outcome_.healStatus.error().message, {});
}

void FaultBracket::heal() {
  if (!std::exchange(injured_, false)) return;
  outcome_.healStatus = fault_->heal();
}

void FaultBracket::tidy() {
  if (!std::exchange(prepared_, false)) return;
  if (auto done = fault_->tidy(); !done && outcome_.healStatus)
    outcome_.healStatus = std::move(done);
}

void FaultBracket::emit(std::string_view phase, Nanos at, Nanos duration, std::string detail,
                        Figures figures) const {
  Event event;
  event.at = at;
  event.kind = "fault";
  event.name = spec_->name;
  event.phase = phase == "healed" ? "point" : phase;
  event.node = outcome_.findings.node;
  event.detail = phase == "healed" && detail.empty() ? "healed" : std::move(detail);
  event.duration = duration;
  event.figures = std::move(figures);
  context_.sink(event);
}

}  // namespace redline
