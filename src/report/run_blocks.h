#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "record/operation.h"
#include "rundir/run_dir_reader.h"

namespace redline {

/// The measured window of one run, cut into blocks of neighbouring intervals, so that an interval
/// can be given for its figures without a repeat: blocks are drawn with replacement, put together,
/// and the figure is computed of what comes out (block bootstrap; Künsch 1989, Efron and Tibshirani
/// 1993). It knows how a figure varied within this run, and nothing of what changes from run to
/// run.
class RunBlocks {
 public:
  static constexpr std::size_t kFewest = 5;
  static constexpr std::size_t kMost = 20;

  /// None for a run of fewer than kFewest measured intervals. The drain belongs to the last block.
  static std::optional<RunBlocks> of(const RunDir& dir);

  std::size_t count() const { return loads_.size(); }

  /// Figures of resampled runs by their metrics' names (metric.h): "achieved", "hit_rate",
  /// "failed", "p99", "service.p99", …; `resamples` values each. Same seed, same values.
  std::map<std::string, std::vector<double>> resample(std::size_t resamples,
                                                      std::uint64_t seed) const;

 private:
  struct Load {
    double seconds = 0;
    double completedInWindow = 0, completed = 0, failed = 0, hits = 0, reads = 0;
  };
  /// One measure's histograms, over the slots that any of them uses.
  struct Latency {
    std::vector<double> us;                   ///< by used slot, ascending: its highest value
    std::vector<double> middleUs;             ///< for the mean
    std::vector<std::vector<double>> counts;  ///< by block, then by used slot
  };
  using Draw = std::vector<double>;  ///< by block: how often it was drawn

  void addLatency(const HistogramLog& log, Measure measure, const std::vector<Nanos>& starts);
  void loadFigures(const Draw& draw, std::map<std::string, std::vector<double>>& into) const;
  void latencyFigures(const Draw& draw, Measure measure,
                      std::map<std::string, std::vector<double>>& into) const;

  std::vector<Load> loads_;
  std::array<Latency, kMeasures> latency_;
};

}  // namespace redline
