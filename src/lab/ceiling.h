#pragma once

#include <string>
#include <string_view>

#include "lab/peers.h"
#include "lab/study.h"
#include "model/service_level.h"

namespace redline::lab::ceiling {

// What the parts of the experiment `ceiling` share. ceiling.cc: what one shard reaches and what
// stops it; ceiling_load.cc: its p99 at a share of that; ceiling_search.cc: the highest rate that
// keeps to a service level; ceiling_peers.cc: what other generators find. Each part declares its
// runs first, since runs are made in the order in which they are declared.

constexpr double kSaturated = 0.95;  ///< busy share from which on a thread is the limit
constexpr double kNearlyAll = 0.9;   ///< busy share below which a server is not saturated

/// A way of asking, as fast as replies allow.
struct Case {
  std::string label;
  std::string title;  ///< "GET 100 B, per command"
  std::string bar;    ///< "100 B": its name in the plot of ceilings
  std::string stack;
  bool isLarge = false;
  unsigned batch = 0;
  bool isWrite = false;
  Flags extra = {};          ///< what an ablation changes
  std::string changed = {};  ///< the same in words; empty: nothing
};

unsigned batchOf(const Parameters& p);
/// "100 B".
std::string sizeOf(const Parameters& p, bool isLarge);
Case readOf(const Parameters& p, bool isLarge, unsigned batch);
Flags dataSet(const Parameters& p, bool isLarge);
/// One drive with `load`, on the case's stack. `duration`: the parameter that says how long.
LabRun runOf(const Parameters& p, const Case& one, std::string_view duration, const Flags& load);
LabRun closedRun(const Parameters& p, const Case& one);

/// The thread that stops the closed model.
struct Limit {
  bool isServer = false;
  std::string text;
};
/// Shares of the time: that Redis's main thread ran, that the generator's workers did, and that
/// other processes had Redis's core (NaN where that was not watched). A thread that used all that
/// was left of its core is the limit, too.
Limit limitOf(double server, double generator, double others);

/// The closed model: what each case reaches.
struct Ceilings {
  Factor<Case> of;
  Grid grid;
  Quantity rate;                       ///< operations/s
  Quantity kernelUs, redisUs, mainUs;  ///< main-thread CPU of a command
  Quantity busy, generatorBusy;
  Quantity others;  ///< share of the time that other processes had Redis's core

  Cell read(bool isLarge, unsigned batch) const;
  Cell small() const { return read(false, 0); }
  Limit limit(const Cell& cell) const;
};

// At a share of the ceiling.

struct UnderLoad {
  Factor<Case> of;
  Grid load;
  Grid reference;  ///< runs as fast as replies allow, each right before one under load: how fast
                   ///< the machine is changes by the minute
};
UnderLoad runUnderLoad(Study& s, const Ceilings& ceilings);
void judgeLoad(Study& s, const UnderLoad& under, const Prediction& predicted);

// The highest rate under the service level.

struct Searches {
  Factor<Case> of;
  Grid probes;     ///< by search and case
  Grid allProbes;  ///< by case
};
Searches runSearches(Study& s, const Ceilings& ceilings);
/// Returns the highest rate of small values that keeps to the service level; not known where none
/// does.
Measured judgeSearches(Study& s, const Searches& searches, const Ceilings& ceilings);

// Other people's generators.

struct Peer {
  std::string label;
  PeerRun run;
};
struct Beside {
  Factor<Case> ours;
  Factor<Peer> theirs;
  Grid our, their;
};
Beside runBeside(Study& s);
void judgeBeside(Study& s, const Beside& beside);
/// Rows of the ablation's table: PING by redis-benchmark, which does nothing, against its GET.
void addPings(Study& s, const Beside& beside, Table& table);

/// What bounds a generator that goes as fast as replies allow.
enum class Bound { server, sharedCore, generator };
/// `busy`: share of the time that Redis's main thread ran; `others`: that other processes had its
/// core, NaN where that was not watched.
Bound boundOf(double busy, double others);

}  // namespace redline::lab::ceiling
