#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "record/histogram.h"
#include "record/interval.h"
#include "record/reason.h"

namespace redline {

/// Percentiles of one histogram, in microseconds as the contract has them.
struct LatencyFigures {
  std::uint64_t count = 0;
  double mean = 0, p50 = 0, p90 = 0, p99 = 0, p999 = 0, p9999 = 0, max = 0;
  /// Percentile names ("p99", …) that are lower bounds because operations were still outstanding.
  std::vector<std::string> lowerBounds;
};

struct RateFigures {
  double target = 0;    ///< operations/s asked for; 0 in the closed model
  double achieved = 0;  ///< completed inside the window ÷ its length, operations/s
  std::uint64_t scheduled = 0, sent = 0, completed = 0, failed = 0, outstanding = 0;
  std::uint64_t unanswered = 0, unserved = 0;  ///< Counters::unansweredAtEnd, unservedAtEnd
  double longestUnansweredS = 0;
  bool overloaded = false;  ///< the server answered less than was offered, errors included
  std::map<std::string, std::uint64_t> errors;  ///< by kFailureNames, those that occurred
};

struct CacheFigures {
  std::uint64_t hits = 0, misses = 0, localHits = 0, refills = 0;
  std::uint64_t refillsFailed = 0;  ///< the server refused them, or they were lost
  double hitRate = 0;
};

struct VerifyFigures {
  std::uint64_t checked = 0, corrupt = 0, stale = 0, lostAcknowledged = 0;
};

struct GeneratorFigures {
  unsigned threads = 0;
  std::string io;    ///< "uring" or "epoll"
  std::string wait;  ///< "auto", "spin" or "block"
  double cpuUserS = 0, cpuSystemS = 0;
  double cpuUsPerOp = 0;   ///< idle spinning excluded
  double utilisation = 0;  ///< busy share of the workers' time, 0…1
  /// Share of the workers' time in which they were ready to run and another thread had their core,
  /// 0…1.
  double waitingForCore = 0;
  double steal = 0;  ///< share of the machine's time stolen by the hypervisor, 0…1
  /// What a hypervisor takes without saying so, at least: share of the workers' time in pauses of a
  /// millisecond or more beyond the sleep that they asked for, less waitingForCore. 0…1; 0 in the
  /// closed model, where it is not looked for.
  double hiddenSteal = 0;
  double longestPauseUs = 0;  ///< of those pauses
  double meanBatch = 0;       ///< operations written as one unit
  double longestPassUs = 0;
  std::uint64_t reconnects = 0, retried = 0;
  std::uint64_t refusedConnections = 0;  ///< by a server that had reached its maxclients
};

struct ServerFigures {
  std::string addr, role, version;
  std::string beganAs;         ///< its role at first, where that was another one; else empty
  std::uint64_t restarts = 0;  ///< processes that ended, and another one has its address
  std::uint64_t ops = 0;
  double cpuUserS = 0, cpuSystemS = 0;
  double mainThreadUtilisation = 0;  ///< of the window, 0…1
  /// Share of the window in which the main thread was ready to run and other threads had its core;
  /// 0 also where that is not known.
  double waitingForCore = 0;
  std::uint64_t hits = 0, misses = 0, evicted = 0, expired = 0;
  std::uint64_t usedMemory = 0, usedMemoryRss = 0;
  double fragmentation = 0;
  std::uint64_t latestForkUs = 0;
};

/// What one node of a cluster did.
struct ClusterNodeFigures {
  std::string addr, role;
  std::string beganAs;           ///< as ServerFigures has it
  std::uint64_t slots = 0;       ///< hash slots it owned in the end
  std::uint64_t ops = 0;         ///< operations that it completed
  std::uint64_t redirected = 0;  ///< MOVED and ASK that it answered
  LatencyFigures service;        ///< of the operations that it completed
};

struct HotSlotFigures {
  unsigned slot = 0;
  std::string node;
  std::uint64_t ops = 0;
};

/// "replica", or "replica, began as master".
inline std::string roleText(const std::string& role, const std::string& beganAs) {
  return beganAs.empty() ? role : role + ", began as " + beganAs;
}

/// Zeros and empty lists for a single node.
struct ClusterFigures {
  std::uint64_t moved = 0, ask = 0, tryagain = 0, clusterdown = 0;  ///< replies of each kind
  std::vector<ClusterNodeFigures> nodes;
  std::vector<HotSlotFigures> hotSlots;  ///< busiest first
};

/// One fault of the run's chaos plan. Times count from the run's zero.
struct FaultFigures {
  std::string name;
  std::string node;     ///< the server it was done to
  std::string problem;  ///< why it had no effect, or was not healed; empty: it took and is over
  double beginS = 0, endS = 0;  ///< both 0: it never began
  std::string detail;           ///< what happened, in a sentence
  Figures figures;
};

/// One replica's distance from its master, in bytes of the replication stream.
struct ReplicationLagFigures {
  std::string addr;  ///< the replica's
  std::uint64_t samples = 0;
  /// Each sample reads the master's offset, the replica's, and the master's again, so the true lag
  /// lies between two bounds: `…AtLeast` is of the lower bounds, the others of the upper ones.
  double maxAtLeast = 0, p50 = 0, p99 = 0, max = 0;
};

/// One server's table of the keys that tracking connections have read.
struct TrackingFigures {
  std::string addr;
  std::uint64_t keys = 0;     ///< tracking_total_keys, the most that was seen
  std::uint64_t items = 0;    ///< tracking_total_items: keys × connections
  std::uint64_t maxKeys = 0;  ///< tracking-table-max-keys; 0: no limit
};

/// Benefit and cost of a mitigation. Counts by kMitigationCountNames.
struct MitigationFigures {
  std::string kind = "none";  ///< the word of -mitigation
  std::map<std::string, std::uint64_t> counts;
  LatencyFigures staleness;        ///< ages of stale reads
  LatencyFigures invalidationLag;  ///< write's acknowledgement → invalidation's arrival

  // local-cache: one cache for each worker.
  std::string tracking;                        ///< "default" or "bcast"
  std::uint64_t caches = 0, cacheEntries = 0;  ///< entries that each may hold
  std::uint64_t cacheBytesUsed = 0,
                cacheBytes = 0;  ///< all caches together: in use at the end, set aside
  std::vector<TrackingFigures> trackingTables;

  // key-split.
  std::string split;  ///< "spread" or "tag"
  std::uint64_t splitWays = 0, splitKeys = 0;
  double writeFanOut = 0;           ///< copies written for each write of the run
  std::uint64_t divergentKeys = 0;  ///< split ledger keys whose copies differed at the end

  // replica-read.
  std::string replicaPolicy;
  std::vector<ReplicationLagFigures> replicas;

  // -ledger.
  std::uint64_t ledgerKeys = 0, ledgerBytes = 0;
  std::uint64_t missingKeys = 0;    ///< ledger keys that were gone at the end
  std::uint64_t keysWithLoss = 0;   ///< ledger keys that lost acknowledged writes
  std::uint64_t auditUnjudged = 0;  ///< ledger keys of which the end of the run says nothing

  bool used() const { return kind != "none" || ledgerKeys != 0; }
};

/// The store behind the cache, and the defences against stampedes.
struct BackingFigures {
  std::string store;                            ///< "postgres"; empty: there was none
  std::string onWrite;                          ///< of kOnWriteNames
  std::map<std::string, std::uint64_t> counts;  ///< by kBackingCountNames
  LatencyFigures read, write;  ///< from asking the store until the outcome, its queue included
  LatencyFigures service;      ///< of both: on a connection
  LatencyFigures staleRefillAge;
  std::uint64_t connections = 0;
  double maxRate = 0;                               ///< -backing-max-rate; 0: no limit
  std::uint64_t longestQueue = 0, mostWaiting = 0;  ///< the most at the end of an interval
};

/// How a load filled the store behind the cache.
struct StoreFillFigures {
  std::string address;  ///< empty: it filled none
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;                    ///< of the table, with its index
  double copyS = 0, indexS = 0, commitS = 0;  ///< one after the other
};

/// Of a load.
struct LoadFigures {
  std::string method;  ///< "commands" or "rdb", "none": the store alone; empty: not a load
  std::string reason;  ///< why that one
  StoreFillFigures store;
};

struct EnvironmentFigures {
  std::string redisVersion, kernel, cpu;
  unsigned cores = 0;
  std::uint64_t memoryBytes = 0;
};

/// The contents of summary.json as a struct. The field names there are the contract's.
struct Summary {
  std::vector<std::string> command;                         ///< argv; a password is never in it
  std::vector<std::pair<std::string, std::string>> config;  ///< every flag as resolved
  EnvironmentFigures environment;
  bool valid = true;
  Reasons invalidReasons;          ///< empty: valid
  std::vector<std::string> notes;  ///< true and worth knowing, but no reason for invalidity
  double windowS = 0;              ///< the measured window
  RateFigures rate;
  /// latency[measure]["all" | "get" | "set"]; latency["failed"]["all"]: failed operations'
  /// response.
  std::map<std::string, std::map<std::string, LatencyFigures>> latency;
  LoadFigures load;
  CacheFigures cache;
  VerifyFigures verify;
  ClusterFigures cluster;
  MitigationFigures mitigation;
  BackingFigures backing;
  GeneratorFigures generator;
  std::vector<ServerFigures> servers;
  std::vector<FaultFigures> faults;  ///< in the order of the plan
};

}  // namespace redline
