// The highest rate that keeps to the service level, by bisection in the open model.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"
#include "lab/ceiling.h"
#include "lab/format.h"
#include "lab/search.h"

namespace redline::lab::ceiling {
namespace {

/// The runs of one bisection: what each tried, and whether it was met.
std::vector<Probe> probesOf(const ServiceLevel& level, const std::vector<const Reading*>& runs) {
  std::vector<Probe> probes;
  for (const Reading* const run : runs) {
    const Summary* const summary = run->summary();
    if (summary == nullptr) continue;
    const double us = latencyUs(*run, level.percentile);
    probes.push_back({summary->rate.target, us <= level.limitUs && !summary->rate.overloaded});
  }
  return probes;
}

RateSearch searchUnder(double ceiling, const Parameters& p) {
  constexpr double kSurelyMet = 0.3;
  constexpr double kSurelyMissed = 1.05;
  return {kSurelyMet * ceiling, kSurelyMissed * ceiling, p.number("tolerance")};
}

LabRun probeRun(const Parameters& p, const Case& one, const Cell& search, const Cell& closed) {
  LabRun run = runOf(p, one, "probe-duration", {"-interval=100ms"});
  Drive& drive = run.drives.front();
  drive.decide = [&p, search, closed,
                  flags = drive.flags](const Readings& soFar) -> std::optional<Flags> {
    const auto ceiling = meanSoFar(soFar, closed, rateOf);
    if (!ceiling) return std::nullopt;
    const auto level = parseLevel(p.text("slo"));
    const auto rate = searchUnder(*ceiling, p).next(probesOf(*level, soFar.with(search.labels())));
    if (!rate) return std::nullopt;
    return joinFlags({flags, {fmt::format("-rate={:.0f}", *rate), "-arrivals=poisson"}});
  };
  run.expectedS = p.seconds("warmup") + p.seconds("probe-duration") + 0.4;
  return run;
}

/// What all bisections of one case found.
struct Found {
  const Case& one;
  std::vector<const Reading*> runs = {};
  double ceiling = kNaN;  ///< of the closed model; without it nothing was searched
  std::vector<double> metRates = {}, missedRates = {};  ///< of the bisections that tried one
  Measured met = {}, missed = {};                       ///< the same with intervals
};

Found findAll(Study& s, const Searches& searches, const Cell& cell, const Cell& closed) {
  const Parameters& p = s.parameters();
  Found found{.one = cell[searches.of]};
  const auto ceiling = meanSoFar(s.readings(), closed, rateOf);
  if (!ceiling) return found;
  found.runs = s.runs(cell);
  found.ceiling = *ceiling;
  const auto level = parseLevel(p.text("slo"));
  for (const Cell& search : searches.probes.where(searches.of, found.one.label)) {
    const auto bracket = searchUnder(*ceiling, p).bracket(probesOf(*level, s.runs(search)));
    if (bracket.metTried) found.metRates.push_back(bracket.met);
    if (bracket.missedTried) found.missedRates.push_back(bracket.missed);
  }
  return found;
}

/// Intervals by the spread of all cases together.
void pool(std::vector<Found>& all, std::vector<double> Found::* rates, Measured Found::* into) {
  std::vector<std::vector<double>> values;
  for (const Found& found : all) values.push_back(found.*rates);
  const Pooled pooled(values);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].*into = {pooled.of(i), "ops/s", all[i].runs, validCount(all[i].runs)};
}

std::string shareOfCeiling(const Found& found, double rate) {
  return formatShare(rate / found.ceiling);
}

void tabulateSearches(Study& s, const std::vector<Found>& all) {
  const Parameters& p = s.parameters();
  Table table = s.table(fmt::format("Highest rate under {}, open model", p.text("slo")));
  table.heads({"what", "met at", "missed at", "of the closed ceiling", "searches", "probes"})
      .note(
          "Bisections with Poisson arrivals, each on its own; each probe is one run. Intervals "
          "are of the searches' ends.");
  const auto orNone = [](const Measured& rate) {
    return rate.isKnown() ? format(rate) : "no rate tried";
  };
  for (const Found& found : all)
    if (!found.runs.empty())
      table.row({found.one.title, orNone(found.met), orNone(found.missed),
                 shareOfCeiling(found, found.met.value()), p.text("searches"),
                 std::to_string(found.runs.size())},
                {found.met.isKnown() ? found.met : found.missed});
  table.add();
}

/// Every rate that was tried missed the service level.
void claimNoRate(Study& s, const Found& found) {
  if (found.missedRates.empty()) return;
  const double lowest = std::ranges::min(found.missedRates);
  s.claim("no-rate-" + found.one.label, Standing::problem)
      .from(s.parameters().text("searches") + " bisections in the open model")
      .restsOn({found.missed})
      .text(
          "{}: {} was missed at every rate tried, down to {}, {} of the closed model's ceiling. "
          "On this machine, at this time, no rate worth planning for keeps to it",
          found.one.title, s.parameters().text("slo"), formatQuantity(lowest, "ops/s"),
          shareOfCeiling(found, lowest));
}

void claimHighestRate(Study& s, const Found& found) {
  const Parameters& p = s.parameters();
  const std::uint64_t searches = p.count("searches");
  const std::string howMany =
      found.metRates.size() < searches
          ? fmt::format(
                ". These are {} of {} searches, and in the others it was missed at every rate",
                found.metRates.size(), searches)
          : "";
  s.claim("highest-rate-" + found.one.label, Standing::plain)
      .from(p.text("searches") + " bisections in the open model")
      .text("{}: {} holds up to {}, {} of the closed model's ceiling. It is missed at {}{}",
            found.one.title, p.text("slo"), found.met, shareOfCeiling(found, found.met.value()),
            found.missed.isKnown() ? format(found.missed) : "no rate tried", howMany);
  s.figure(fmt::format("highest rate of {} under {}", found.one.title, p.text("slo")), found.met);
  if (!found.one.isLarge)
    s.recommend(
        "Plan a shard for {} of GET {} per command, not for its ceiling: above that rate "
        "it misses {}",
        found.met, sizeOf(p, false), p.text("slo"));
}

void plotSearches(Study& s, const std::vector<Found>& all) {
  const std::string& slo = s.parameters().text("slo");
  const ServiceLevel level = *parseLevel(slo);
  Plot plot = s.plot("search", fmt::format("{} by offered rate", level.percentile));
  plot.describe(fmt::format("Every probe of every search; the line is {}.", slo))
      .x("operations/s offered", AxisKind::count)
      .y(level.percentile, AxisKind::latency);
  double most = 0;
  for (const Found& found : all) {
    LabSeries probes{found.one.title, {}, false, false};
    for (const Reading* const run : found.runs) {
      if (run->summary() == nullptr) continue;
      probes.points.push_back({run->summary()->rate.target, latencyUs(*run, level.percentile)});
      most = std::max(most, run->summary()->rate.target);
    }
    plot.series(std::move(probes));
  }
  if (most == 0) return;
  plot.series({slo, {{0, level.limitUs}, {most, level.limitUs}}, true, true, false}).main().add();
}

}  // namespace

Searches runSearches(Study& s, const Ceilings& ceilings) {
  const Parameters& p = s.parameters();
  // Per command for both sizes: in batches the open model sends what is due, which is another case.
  const auto of = ceilings.of.only(
      [](const Case& one) { return one.batch == 0 && !one.isWrite && one.changed.empty(); });
  std::vector<std::string> numbers;
  for (unsigned i = 1; i <= p.count("searches"); ++i) numbers.push_back(std::to_string(i));
  const auto search = Study::factor("search", numbers);
  // Each probe depends on the one before of its search, so the searches are run in turn.
  const Grid probes = s.grid("probe", {search, of}, static_cast<unsigned>(p.count("probes")),
                             [&](const Cell& cell, unsigned number) {
                               LabRun run = probeRun(p, cell[of], cell,
                                                     ceilings.grid.at(ceilings.of, cell[of].label));
                               run.labels = {{"probe", std::to_string(number)}};
                               return run;
                             });
  return {.of = of, .probes = probes, .allProbes = gridOf("probe", {of})};
}

Measured judgeSearches(Study& s, const Searches& searches, const Ceilings& ceilings) {
  std::vector<Found> all;
  for (const Cell& cell : searches.allProbes.cells)
    all.push_back(
        findAll(s, searches, cell, ceilings.grid.at(ceilings.of, cell[searches.of].label)));
  pool(all, &Found::metRates, &Found::met);
  pool(all, &Found::missedRates, &Found::missed);
  tabulateSearches(s, all);
  for (const Found& found : all)
    found.met.isKnown() ? claimHighestRate(s, found) : claimNoRate(s, found);
  plotSearches(s, all);
  const auto small =
      std::ranges::find(all, false, [](const Found& found) { return found.one.isLarge; });
  return small == all.end() ? Measured{} : small->met;
}

}  // namespace redline::lab::ceiling
