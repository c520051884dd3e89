#include "run/chaos_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/units.h"

namespace redline {

struct ChaosRun::Planned {
  Planned(const PlannedFault& planned, const FaultContext& context)
      : at(planned.at), bracket(planned, context) {}

  Nanos at;
  FaultBracket bracket;
  bool isOver = false;  ///< it is not under way, and will not be
};

ChaosRun::ChaosRun(const ChaosPlan& plan, FaultContext context) : context_(std::move(context)) {
  context_.interrupted = [this] { return stopping_.load(); };
  for (const PlannedFault& fault : plan)
    faults_.push_back(std::make_unique<Planned>(fault, context_));
}

ChaosRun::~ChaosRun() {
  finish();
}

Status ChaosRun::prepare() {
  for (const auto& planned : faults_) {
    auto ready = planned->bracket.prepare();
    if (ready) continue;
    for (const auto& each : faults_) each->bracket.tidy();
    return fail(ready.error().code, "{}: {}", planned->bracket.spec().name, ready.error().message);
  }
  return {};
}

void ChaosRun::start(Nanos measureStart) {
  for (const auto& planned : faults_)
    threads_.emplace_back([this, &planned = *planned, measureStart] {
      carryOut(planned, measureStart + planned.at);
      const std::lock_guard lock(mutex_);
      planned.isOver = true;
      wake_.notify_all();
    });
}

bool ChaosRun::waitUntil(Nanos when) {
  std::unique_lock lock(mutex_);
  const auto span = std::chrono::nanoseconds(when - context_.clock->now());
  return !wake_.wait_for(lock, span, [this] { return stopping_.load(); });
}

bool ChaosRun::waitForItsKind(const Planned& planned) {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] {
    return stopping_.load() || std::ranges::none_of(faults_, [&](const auto& other) {
             return !other->isOver && other->at < planned.at &&
                    other->bracket.spec().name == planned.bracket.spec().name;
           });
  });
  return !stopping_.load();
}

void ChaosRun::carryOut(Planned& planned, Nanos at) {
  if (!waitUntil(at - kCheckTime) || !waitForItsKind(planned)) return;
  if (!planned.bracket.check() || !waitUntil(at)) return;
  std::size_t bracket = 0;
  {
    const std::lock_guard lock(timeMutex_);
    bracket = time_.begin(context_.clock->now());
  }
  planned.bracket.inject();
  const std::lock_guard lock(timeMutex_);
  time_.end(bracket, context_.clock->now());
}

void ChaosRun::finish() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (const auto& planned : faults_) planned->bracket.tidy();
}

bool ChaosRun::touches(Nanos from, Nanos to) const {
  const std::lock_guard lock(timeMutex_);
  return time_.touches(from, to);
}

FaultFigures faultFigures(const FaultSpec& spec, const FaultOutcome& outcome, Nanos zero) {
  FaultFigures fault;
  fault.name = spec.name;
  fault.node = outcome.findings.node;
  fault.problem = outcome.problem();
  fault.detail = outcome.findings.detail;
  fault.figures = outcome.findings.figures;
  if (!outcome.began) {
    if (fault.problem.empty()) fault.detail = "the run ended before it";
    return fault;
  }
  fault.beginS = toSeconds(outcome.begin - zero);
  fault.endS = toSeconds(outcome.end - zero);
  return fault;
}

std::vector<FaultFigures> ChaosRun::figures(Nanos zero) const {
  std::vector<FaultFigures> all;
  all.reserve(faults_.size());
  for (const auto& planned : faults_)
    all.push_back(faultFigures(planned->bracket.spec(), planned->bracket.outcome(), zero));
  return all;
}

std::vector<std::string> ChaosRun::problems() const {
  std::vector<std::string> lines;
  for (const auto& planned : faults_) {
    const FaultOutcome& outcome = planned->bracket.outcome();
    const std::string_view name = planned->bracket.spec().name;
    const std::string at = formatDuration(planned->at);
    if (!outcome.injectStatus)
      lines.push_back(fmt::format("the fault {} at {} had no effect: {}", name, at,
                                  outcome.injectStatus.error().message));
    if (!outcome.healStatus)
      lines.push_back(fmt::format("the fault {} at {} could not be healed: {}", name, at,
                                  outcome.healStatus.error().message));
  }
  return lines;
}

}  // namespace redline
