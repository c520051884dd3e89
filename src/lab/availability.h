#pragma once

#include "lab/experiment.h"
#include "lab/witness.h"

namespace redline {

// Two estimands for each latency (docs/method.md): as found, of everything; and with the core
// available, of the intervals in which a witness says that server and generator had their cores.

// A run's figures, beside kLostShare (rundir/experiment.h).

/// What others had of one core on average.
inline constexpr const char* kForeignShare = "core_foreign_share";
/// What they may have of an undisturbed interval.
inline constexpr const char* kTolerableShare = "core_tolerable_share";
/// The share of a run in which nothing of us ran on a core though a thread above all others asked
/// for it: interrupts, or a hypervisor. And what threads of the kernel took of one core.
inline constexpr const char* kServerGapShare = "server_core_gap_share";
inline constexpr const char* kGeneratorGapShare = "generator_core_gap_share";
inline constexpr const char* kKernelShare = "kernel_threads_share";
/// Response time with the core available: the median over undisturbed intervals of the interval's
/// quantile, "available_p99_us". Of runs without faults, and with three such intervals.
inline constexpr const char* kAvailablePrefix = "available_";

/// Of a slot (lab/slots.h): everything in it, as it was found.
inline constexpr const char* kFoundP50 = "found_p50_us";
inline constexpr const char* kFoundP99 = "found_p99_us";
inline constexpr const char* kFoundRate = "found_ops_per_s";

/// Adds these figures to the record of a run whose drives were watched.
void noteAvailability(const RunDir& run, const Witnessed& witnessed, double tolerable,
                      RunRecord& record);

/// Adds to the document what others took of each condition's cores, and a finding where conditions
/// lost different shares beyond chance.
void addAvailability(const Readings& readings, ExperimentDocument& document);

/// A run's labels but for the repeat: what is compared.
Labels conditionOf(const RunRecord& record);
/// Whether the runs of these labels, compared by repeat, lost different shares of their intervals
/// beyond chance: then the treatment disturbs, and nothing may be dropped.
bool loseDifferently(const std::vector<std::vector<const Reading*>>& conditions);

}  // namespace redline
