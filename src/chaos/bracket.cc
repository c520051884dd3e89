#include "chaos/bracket.h"

#include <fmt/format.h>

#include <utility>

#include "chaos/target.h"

namespace redline {
namespace {

/// Healing that takes longer is worth an event of its own.
constexpr Nanos kWorthTelling = 10 * kMillisecond;

}  // namespace

std::string FaultOutcome::problem() const {
  if (!took) return took.error().message;
  return mended ? std::string{} : mended.error().message;
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
  for (const Endpoint& endpoint : reached)
    if (findOwn(context_.own, endpoint) == nullptr)
      return fail(ErrorCode::unsafe,
                  "{} harms the server that it is done to, and {} is not one that redline started: "
                  "start one with `redline stack up`, or insist with -force",
                  spec_->name, endpoint.text());
  return {};
}

Status FaultBracket::prepare() {
  outcome_.took = checkAllowed();
  if (!outcome_.took) return outcome_.took;
  prepared_ = true;
  auto ready = fault_->prepare();
  outcome_.findings = fault_->findings();
  if (!ready) {
    outcome_.took = ready;
    tidy();
  }
  return ready;
}

Status FaultBracket::check() {
  outcome_.took = fault_->check();
  outcome_.findings = fault_->findings();  // it may have chosen another target
  return outcome_.took;
}

void FaultBracket::inject() {
  outcome_.began = injured_ = true;
  outcome_.begin = context_.clock->now();
  emit("begin", outcome_.begin, 0, {}, {});
  outcome_.took = fault_->inject();
  outcome_.end = context_.clock->now();
  outcome_.findings = fault_->findings();
  emit("end", outcome_.end, outcome_.end - outcome_.begin,
       outcome_.took ? outcome_.findings.detail
                     : fmt::format("did not take: {}", outcome_.took.error().message),
       outcome_.findings.figures);
  heal();
  outcome_.healed = context_.clock->now();
  if (outcome_.healed - outcome_.end >= kWorthTelling)
    emit("healed", outcome_.end, outcome_.healed - outcome_.end,
         outcome_.mended ? std::string{} : outcome_.mended.error().message, {});
}

void FaultBracket::heal() {
  if (!std::exchange(injured_, false)) return;
  outcome_.mended = fault_->heal();
}

void FaultBracket::tidy() {
  if (!std::exchange(prepared_, false)) return;
  if (auto done = fault_->tidy(); !done && outcome_.mended) outcome_.mended = std::move(done);
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
