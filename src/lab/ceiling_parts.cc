#include "lab/ceiling_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/units.h"
#include "lab/words.h"

namespace redline::ceiling {
namespace {

Case caseOf(const Parameters& p, bool large, unsigned batch) {
  return {fmt::format("{}-b{}", large ? "large" : "small", batch),
          fmt::format("GET {}, {}", sizeWords(p, large),
                      batch == 0 ? "per command" : fmt::format("batch {}", batch)),
          large ? "large" : "small",
          large,
          batch,
          false,
          {},
          {}};
}

}  // namespace

std::string sizeWords(const Parameters& p, bool large) {
  return formatSize(p.size(large ? "large-value" : "small-value"));
}

unsigned batchOf(const Parameters& p) {
  return static_cast<unsigned>(p.count("batch"));
}

std::vector<Case> cases(const Parameters& p) {
  const unsigned batch = batchOf(p);
  std::vector<Case> all{caseOf(p, false, 0), caseOf(p, false, batch), caseOf(p, true, 0),
                        caseOf(p, true, batch)};
  Case set = caseOf(p, false, 0);
  set.name = "small-set";
  set.words = fmt::format("SET {}, per command", sizeWords(p, false));
  set.write = true;
  all.push_back(std::move(set));
  for (const unsigned n : {0U, batch}) {
    Case unixSocket = caseOf(p, false, n);
    unixSocket.name = fmt::format("unix-b{}", n);
    unixSocket.extra = {"-addr={unix}"};
    unixSocket.changed = "Unix socket in place of TCP";
    all.push_back(std::move(unixSocket));
    Case threads = caseOf(p, false, n);
    threads.name = fmt::format("threads-b{}", n);
    threads.stack = "threads";
    threads.changed = fmt::format("io-threads {}", p.text("io-threads"));
    all.push_back(std::move(threads));
  }
  return all;
}

std::vector<Case> loaded(const Parameters& p) {
  const auto all = cases(p);
  return {all.begin() + kSmall, all.begin() + kSet};
}

std::vector<Case> searched(const Parameters& p) {
  return {caseOf(p, false, 0), caseOf(p, true, 0)};
}

std::vector<Case> beside(const Parameters& p) {
  std::vector<Case> small{caseOf(p, false, 0), caseOf(p, false, batchOf(p))};
  for (Case& each : small) each.stack = kPeersStack;
  return small;
}

Labels labelsOf(std::string_view part, std::string_view name) {
  return {{"part", std::string(part)}, {"case", std::string(name)}};
}

std::vector<Labels> labelsOf(std::string_view part, const std::vector<Case>& of) {
  std::vector<Labels> all;
  std::ranges::transform(of, std::back_inserter(all),
                         [&](const Case& each) { return labelsOf(part, each.name); });
  return all;
}

std::optional<double> ceilingOf(const Readings& readings, const Case& one) {
  const auto rates = figuresOf(believedOf(readings.with(labelsOf("closed", one.name))), rateOf);
  if (rates.empty()) return std::nullopt;
  return meanOf(rates);
}

std::optional<double> ceilingNow(const Readings& readings, const Case& one) {
  const auto rates = figuresOf(believedOf(readings.with(labelsOf(kReference, one.name))), rateOf);
  return rates.empty() ? ceilingOf(readings, one) : rates.back();
}

std::optional<ServiceLevel> parseLevel(std::string_view text) {
  const std::size_t less = text.find('<');
  if (less == std::string_view::npos) return std::nullopt;
  const std::string_view percentile = text.substr(0, less);
  const auto limit = parseDuration(text.substr(less + 1));
  const bool known = std::ranges::any_of(
      std::initializer_list<std::string_view>{"p50", "p90", "p99", "p999", "p9999"},
      [&](std::string_view name) { return name == percentile; });
  if (!known || !limit || *limit <= 0) return std::nullopt;
  return ServiceLevel{std::string(percentile), static_cast<double>(*limit) / 1e3};
}

Labels probeLabels(const Case& one, unsigned search) {
  Labels labels = labelsOf("probe", one.name);
  labels.emplace_back("search", std::to_string(search));
  return labels;
}

std::vector<Probe> probesOf(const Parameters& p, const Readings& readings, const Case& one,
                            unsigned search) {
  const auto level = parseLevel(p.text("slo"));
  std::vector<Probe> probes;
  for (const Reading* const reading : readings.with(probeLabels(one, search))) {
    const Summary* const summary = reading->summary();
    if (summary == nullptr) continue;
    const double us = latencyUs(*reading, level->percentile);
    probes.push_back({summary->rate.target, us <= level->limitUs && !summary->rate.overloaded});
  }
  return probes;
}

RateSearch searchOf(const Parameters& p, double ceiling) {
  constexpr double kSurelyMet = 0.3;
  constexpr double kSurelyMissed = 1.05;
  return {kSurelyMet * ceiling, kSurelyMissed * ceiling, p.number("tolerance")};
}

std::vector<Peer> peers(const Parameters& p) {
  std::vector<Peer> all;
  for (const unsigned batch : {1U, batchOf(p)}) {
    PeerRun run{.tool = std::string(kRedisBenchmark),
                .command = "get",
                .batch = batch,
                .conns = static_cast<unsigned>(p.count("conns")),
                .keys = p.count("keys"),
                .valueSize = p.size("small-value"),
                .requests = p.count("peer-requests") * (batch > 1 ? 4 : 1)};
    all.push_back({fmt::format("benchmark-get-b{}", batch), run});
    run.command = "ping";
    all.push_back({fmt::format("benchmark-ping-b{}", batch), run});
    run.command = "get";
    run.tool = kMemtier;
    if (peerInstalled(run.tool)) all.push_back({fmt::format("memtier-get-b{}", batch), run});
  }
  return all;
}

double Closed::kernelUs(std::size_t i) const {
  return runs.mean(i, kernelUsPerCommand);
}

double Closed::userUs(std::size_t i) const {
  return runs.mean(i, userUsPerCommand);
}

std::string Closed::limitOf(std::size_t i) const {
  const double server = runs.mean(i, mainThreadBusy);
  const double generator = runs.mean(i, generatorBusy);
  if (server >= kSaturated || (server >= generator && server >= kNearlyAll))
    return fmt::format("Redis's main thread, {} busy", formatShare(server));
  if (generator >= kSaturated)
    return fmt::format("our generator, {} busy, and not Redis ({})", formatShare(generator),
                       formatShare(server));
  return fmt::format("neither thread alone (Redis {} busy, generator {})", formatShare(server),
                     formatShare(generator));
}

}  // namespace redline::ceiling
