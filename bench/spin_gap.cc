// spin_gap: how long a core keeps a spinning thread waiting. It reads the clock in a
// loop, and the gaps between readings are interrupts, ticks and time that a hypervisor took. No
// generator on that core can be more punctual than this.
//
// One p99.9 of the gaps would depend on how fast the loop is: of 40 million readings a second only
// a handful are gaps at all. So the gaps are weighed by the time they cover:
//   time     of the time, the share p lies in gaps no longer than this
//   residual an instant chosen at random waits no longer than this for the next reading, with
//            probability p: the lateness of a generator that had nothing to do but to send
//   window   the longest gap that touches a window of 1 ms, over all windows
//   count    over readings; for completeness

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "bench/tool.h"

namespace redline::bench {
namespace {

constexpr std::string_view kUsage =
    "usage: spin_gap [-cpu N] [-seconds S]\n"
    "  prints one line of JSON, times in microseconds";

constexpr std::size_t kShort = 1'000;         ///< gaps below this many ns are counted, not kept
constexpr std::size_t kMostLong = 2'000'000;  ///< gaps kept one by one
constexpr std::int64_t kWindow = 1'000'000;   ///< ns
constexpr std::array kShares{0.5, 0.99, 0.999};

struct Gap {
  std::int64_t end = 0;  ///< since the start, ns
  std::int64_t length = 0;
};

std::int64_t now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

struct Readings {
  std::vector<std::uint64_t> brief = std::vector<std::uint64_t>(kShort);  ///< by length in ns
  std::vector<Gap> longer;
  std::int64_t span = 0;  ///< ns
  bool full = false;
};

/// The memory it writes to is there beforehand: a page fault would be a gap of our own making.
Readings spin(double seconds) {
  Readings readings;
  readings.longer.assign(kMostLong, {});
  mlockall(MCL_CURRENT);  // may be refused; the pages have been touched at least
  std::size_t kept = 0;
  const std::int64_t begin = now();
  const auto length = static_cast<std::int64_t>(seconds * 1e9);
  std::int64_t last = begin;
  while (last - begin < length && kept < kMostLong) {
    const std::int64_t at = now();
    const std::int64_t gap = at - last;
    if (gap < static_cast<std::int64_t>(kShort))
      ++readings.brief[static_cast<std::size_t>(gap)];
    else
      readings.longer[kept++] = {at - begin, gap};
    last = at;
  }
  readings.span = last - begin;
  readings.full = kept == kMostLong;
  readings.longer.resize(kept);
  return readings;
}

/// Gap lengths with how many there were of each, ascending.
std::vector<std::pair<double, double>> lengths(const Readings& readings) {
  std::vector<std::pair<double, double>> all;
  for (std::size_t ns = 0; ns < kShort; ++ns)
    if (readings.brief[ns] != 0)
      all.emplace_back(static_cast<double>(ns), static_cast<double>(readings.brief[ns]));
  for (const Gap& gap : readings.longer) all.emplace_back(static_cast<double>(gap.length), 1.0);
  std::ranges::sort(all);
  return all;
}

/// The smallest length at which the weight of all up to it reaches `share` of the whole.
template <typename Weight>
double quantile(const std::vector<std::pair<double, double>>& gaps, double share, Weight weight) {
  double whole = 0;
  for (const auto& [length, count] : gaps) whole += weight(length) * count;
  double sum = 0;
  for (const auto& [length, count] : gaps)
    if ((sum += weight(length) * count) >= share * whole) return length;
  return gaps.empty() ? 0 : gaps.back().first;
}

/// r such that the time more than r before the next reading, Σ max(0, gap − r), is (1 − share) of
/// all. The sum is piecewise linear in r: walked from the longest gap down.
double residual(const std::vector<std::pair<double, double>>& gaps, double share) {
  double whole = 0;
  for (const auto& [length, count] : gaps) whole += length * count;
  const double allowed = (1 - share) * whole;
  double count = 0;
  double total = 0;
  for (auto gap = gaps.rbegin(); gap != gaps.rend(); ++gap) {
    count += gap->second;
    total += gap->first * gap->second;
    const double next = std::next(gap) == gaps.rend() ? 0 : std::next(gap)->first;
    if (total - count * next >= allowed) return (total - allowed) / count;
  }
  return 0;
}

/// The longest gap that touches each window; those with short gaps only count as the longest short
/// one, which is below kShort ns.
std::vector<double> windowWorst(const Readings& readings) {
  std::vector<double> worst(static_cast<std::size_t>(readings.span / kWindow) + 1);
  for (std::size_t ns = kShort; ns-- > 0;) {
    if (readings.brief[ns] == 0) continue;
    std::ranges::fill(worst, static_cast<double>(ns));
    break;
  }
  for (const Gap& gap : readings.longer)
    for (auto window = (gap.end - gap.length) / kWindow; window <= gap.end / kWindow; ++window) {
      double& longest = worst[static_cast<std::size_t>(window)];
      longest = std::max(longest, static_cast<double>(gap.length));
    }
  worst.pop_back();  // the last one is not whole
  std::ranges::sort(worst);
  return worst;
}

template <typename Figure>
std::string figures(Figure&& figure, double most) {
  return fmt::format("{{\"p50\": {:.3f}, \"p99\": {:.3f}, \"p999\": {:.3f}, \"max\": {:.3f}}}",
                     figure(kShares[0]) / 1e3, figure(kShares[1]) / 1e3, figure(kShares[2]) / 1e3,
                     most / 1e3);
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, std::string(kUsage));
  const int cpu = arguments.number("cpu", -1);
  const double length = arguments.number("seconds", 5.0);
  arguments.done();
  if (length < 0.01) arguments.wrong("-seconds is too short");
  pinTo(cpu);

  const Readings readings = spin(length);
  if (readings.full) die("more than 2 million gaps of 1 us: this core is not idle at all");
  const auto gaps = lengths(readings);
  const auto worst = windowWorst(readings);
  const double most = gaps.back().first;
  double count = 0;
  for (const auto& gap : gaps) count += gap.second;
  const auto byTime = [&](double share) {
    return quantile(gaps, share, [](double ns) { return ns; });
  };
  const auto byCount = [&](double share) {
    return quantile(gaps, share, [](double) { return 1.0; });
  };
  const auto byWindow = [&](double share) {
    const auto rank = std::ceil(share * static_cast<double>(worst.size()));
    return worst[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
  };
  double lost = 0;
  for (const Gap& gap : readings.longer) lost += static_cast<double>(gap.length);
  fmt::print(
      "{{\"seconds\": {:.3f}, \"readings\": {:.0f}, \"gaps_over_1us\": {}, \"share_in_them\": "
      "{:.6f}, "
      "\"time\": {}, \"residual\": {}, \"window_1ms\": {}, \"count\": {}}}\n",
      static_cast<double>(readings.span) / 1e9, count, readings.longer.size(),
      lost / static_cast<double>(readings.span), figures(byTime, most),
      figures([&](double share) { return residual(gaps, share); }, most),
      figures(byWindow, worst.back()), figures(byCount, most));
  return 0;
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  return redline::bench::run(argc, argv);
}
