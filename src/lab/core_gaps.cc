#include "lab/core_gaps.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/affinity.h"

namespace redline {
namespace {

constexpr Nanos kWorthKeeping = 50 * kMicrosecond;
constexpr std::size_t kMostKept = 4096;
// Figure and note that noteCoreGaps() leaves.
constexpr std::string_view kWindow = "core_gaps_window_s";
constexpr std::string_view kGaps = "core_gaps_us";

/// Room is made beforehand: a page fault would be a gap of our own making.
CoreGaps spin(Nanos span) {
  CoreGaps found;
  found.gapsUs.assign(kMostKept, 0);
  std::size_t kept = 0;
  const Nanos begin = SteadyClock::read();
  Nanos last = begin;
  while (last < begin + span) {
    const Nanos now = SteadyClock::read();
    if (now - last >= kWorthKeeping && kept < kMostKept)
      found.gapsUs[kept++] = toMicros(now - last);
    last = now;
  }
  found.gapsUs.resize(kept);
  found.windowS = toSeconds(last - begin);
  return found;
}

}  // namespace

std::optional<unsigned> firstCpu(std::string_view list) {
  unsigned cpu = 0;
  const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), cpu);
  if (error != std::errc{}) return std::nullopt;
  return cpu;
}

double CoreGaps::sumUs() const {
  return std::accumulate(gapsUs.begin(), gapsUs.end(), 0.0);
}

Result<CoreGaps> measureCoreGaps(unsigned cpu, Nanos span) {
  Result<CoreGaps> found;
  std::thread([&] {
    if (const auto pinned = pinThisThread(static_cast<int>(cpu)); pinned)
      found = spin(span);
    else
      found = fail(pinned.error());
  }).join();
  if (found) std::ranges::sort(found->gapsUs, std::greater<>{});
  return found;
}

Status noteCoreGaps(Bench& bench) {
  const auto cpu = firstCpu(bench.cpus().server);
  if (!cpu) return {};
  const auto gaps = measureCoreGaps(*cpu, fromSeconds(kCoreGapsS));
  if (!gaps) return fail(gaps.error());
  bench.figure(std::string(kWindow), gaps->windowS);
  bench.note(std::string(kGaps), fmt::format("{:.0f}", fmt::join(gaps->gapsUs, " ")));
  bench.command(fmt::format("build/release/bench/spin_gap -cpu {} -seconds {}", *cpu, kCoreGapsS));
  return {};
}

CoreGaps coreGapsOf(const std::vector<const Reading*>& runs) {
  CoreGaps all;
  for (const Reading* const run : runs) {
    const double window = run->figure(kWindow);
    if (!std::isfinite(window)) continue;
    all.windowS += window;
    const std::string_view text = run->record.note(kGaps);
    const char* at = text.data();
    const char* const end = at + text.size();
    for (double us = 0; at < end; ++at) {
      const auto [next, error] = std::from_chars(at, end, us);
      if (error != std::errc{}) break;
      all.gapsUs.push_back(us);
      at = next;
    }
  }
  std::ranges::sort(all.gapsUs, std::greater<>{});
  return all;
}

}  // namespace redline
