#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/compare.h"
#include "lab/experiment.h"
#include "lab/measures.h"
#include "lab/peers.h"
#include "lab/search.h"

namespace redline::ceiling {

// What the parts of the experiment `ceiling` share: ceiling.cc says which runs to make,
// ceiling_closed.cc what the ceilings are and what bounds them, ceiling_load.cc how the shard fares
// below its ceiling, ceiling_peers.cc what other generators find.

constexpr double kSaturated = 0.95;  ///< busy share from which on a thread is the limit
constexpr double kNearlyAll = 0.9;   ///< below it a peer's run did not saturate the server

/// A way of asking, as fast as replies allow.
struct Case {
  std::string name;   ///< the label
  std::string words;  ///< for tables
  std::string stack;
  bool large = false;
  unsigned batch = 0;
  bool write = false;
  Flags extra;          ///< what is changed in an ablation
  std::string changed;  ///< what that is, in words; empty: nothing
};

std::string sizeWords(const Parameters& p, bool large);
unsigned batchOf(const Parameters& p);

// Places in cases(): the four ceilings, then what is held against them.
enum : std::size_t { kSmall, kSmallBatch, kLarge, kLargeBatch, kSet, kFirstAblation };

std::vector<Case> cases(const Parameters& p);
/// The four ceilings, at 0.8 of each.
std::vector<Case> loaded(const Parameters& p);
/// Where the open model's highest rate is searched. Per command for both sizes: in batches the open
/// model sends what is due, which is another case.
std::vector<Case> searched(const Parameters& p);
/// The small ones again, on the server that other generators load.
std::vector<Case> beside(const Parameters& p);

Labels labelsOf(std::string_view part, std::string_view name);
std::vector<Labels> labelsOf(std::string_view part, const std::vector<Case>& of);

/// The closed model's ceiling of a case, from the runs so far.
std::optional<double> ceilingOf(const Readings& readings, const Case& one);
/// Runs as fast as replies allow again, each right before one under load: how fast the machine is
/// changes by the minute, and the load is a share of what it can do then.
inline constexpr std::string_view kReference = "reference";
/// The latest of those; the ceiling of all runs where none may be believed.
std::optional<double> ceilingNow(const Readings& readings, const Case& one);

/// The service level: "p99<1ms".
struct ServiceLevel {
  std::string percentile;
  double limitUs = 0;
};
std::optional<ServiceLevel> parseLevel(std::string_view text);

/// Labels of the probes of a case, those of one of its searches (1 …) or of all.
Labels probeLabels(const Case& one, unsigned search);
std::vector<Probe> probesOf(const Parameters& p, const Readings& readings, const Case& one,
                            unsigned search);
RateSearch searchOf(const Parameters& p, double ceiling);

/// Where other generators run, and ours beside them.
inline constexpr std::string_view kPeersStack = "peers";
inline constexpr std::string_view kBeside = "beside";

/// Other people's generators.
struct Peer {
  std::string name;
  PeerRun run;
};
std::vector<Peer> peers(const Parameters& p);

/// The runs of cases() in the closed model.
struct Closed {
  Closed(const Parameters& p, const Readings& readings)
      : cases(ceiling::cases(p)),
        runs(readings, labelsOf("closed", cases)),
        rate(runs.column(rateOf)) {}

  // Main-thread CPU for a command, microseconds.
  double kernelUs(std::size_t i) const;
  double userUs(std::size_t i) const;
  double mainUs(std::size_t i) const { return kernelUs(i) + userUs(i); }
  /// Who is saturated in a condition's runs.
  std::string limitOf(std::size_t i) const;
  bool serverIsLimit(std::size_t i) const { return limitOf(i).starts_with("Redis"); }

  std::vector<Case> cases;
  Conditions runs;
  Column rate;
};

void analyseClosed(const Parameters& p, const Readings& readings, ExperimentDocument& document);
void analyseLoad(const Parameters& p, const Readings& readings, ExperimentDocument& document);
void analysePeers(const Parameters& p, const Readings& readings, ExperimentDocument& document);

}  // namespace redline::ceiling
