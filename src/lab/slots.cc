#include "lab/slots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <thread>
#include <utility>

#include "lab/availability.h"
#include "model/blocks.h"
#include "rundir/hlog.h"

namespace redline {
namespace {

constexpr const char* kSlotOf = "slot_of";

void sleepUntil(Nanos at, const std::function<bool()>& isOver) {
  constexpr Nanos kLook = 20 * kMillisecond;
  for (Nanos now = SteadyClock::read(); now < at && !isOver(); now = SteadyClock::read())
    std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(kLook, at - now)));
}

/// The run cut to the intervals that lie wholly in [from, to) of its window.
RunDir cutTo(const RunDir& run, Nanos from, Nanos to) {
  RunDir part;
  part.plan = run.plan;
  for (const IntervalRow& row : run.intervals)
    if (row.isMeasured() && row.start >= from && row.end <= to) part.intervals.push_back(row);
  if (part.intervals.empty()) return part;
  constexpr Nanos kEdge = kMicrosecond;  // times of the log are printed in seconds
  const Nanos first = part.intervals.front().start, last = part.intervals.back().end;
  for (const LoggedHistogram& line : run.latency.lines)
    if (line.tag == "response" && line.start >= first - kEdge && line.start < last - kEdge)
      part.latency.lines.push_back(line);
  return part;
}

void noteFound(const RunDir& part, RunRecord& record) {
  Histogram all, one;
  for (const LoggedHistogram& line : part.latency.lines)
    if (decodeCompressed(line.packed, one)) all.add(one);
  const auto& rows = part.intervals;
  if (all.count() == 0) return;
  std::uint64_t completed = 0;
  for (const IntervalRow& row : rows)
    for (const std::uint64_t some : row.counts.completed) completed += some;
  record.figures.emplace_back(kFoundP50, toMicros(all.quantile(0.5)));
  record.figures.emplace_back(kFoundP99, toMicros(all.quantile(0.99)));
  record.figures.emplace_back(
      kFoundRate, static_cast<double>(completed) / toSeconds(rows.back().end - rows.front().start));
}

}  // namespace

Status switchSlots(const SlotPlan& plan, Bench& bench, const std::function<bool()>& isOver,
                   std::vector<SlotTime>& times) {
  const Nanos length = fromSeconds(plan.slotS), guard = fromSeconds(plan.guardS);
  Nanos begin = SteadyClock::read();
  for (unsigned block = 0; !isOver(); ++block)
    for (const std::size_t arm : blockOrder(plan.arms.size(), plan.seed, block)) {
      if (isOver()) return {};
      if (auto entered = plan.arms[arm].enter(bench); !entered) return entered;
      const Nanos from = std::max(SteadyClock::read(), begin) + guard;
      begin += length;
      sleepUntil(begin, isOver);
      if (!isOver()) times.push_back({arm, block, from, begin});
    }
  return {};
}

std::vector<RunRecord> slotRecords(const LabRun& run, const Reading& reading,
                                   const std::vector<SlotTime>& times, const Witnessed& witnessed,
                                   double tolerable) {
  std::vector<RunRecord> records;
  const RunDir* const dir = reading.dir();
  if (dir == nullptr || !dir->plan) return records;
  for (const SlotTime& time : times) {
    const RunDir part =
        cutTo(*dir, time.from - dir->plan->clockZero, time.to - dir->plan->clockZero);
    if (part.intervals.empty()) continue;
    const SlotArm& arm = run.slots.arms[time.arm];
    RunRecord record;
    record.name = fmt::format("{}-b{}-{}", run.name, time.block + 1, arm.name);
    record.labels = arm.labels;
    record.labels.emplace_back("repeat", fmt::format("{}-{}", run.name, time.block + 1));
    record.wallStart = dir->plan->wallZero + part.intervals.front().start;
    record.notes.emplace_back(kSlotOf, run.name);
    noteFound(part, record);
    noteAvailability(part, witnessed, tolerable, record);
    records.push_back(std::move(record));
  }
  return records;
}

bool isSlot(const RunRecord& record) {
  return !record.note(kSlotOf).empty();
}

bool isSlotOf(const RunRecord& record, std::string_view run) {
  return !run.empty() && record.note(kSlotOf) == run;
}

}  // namespace redline
