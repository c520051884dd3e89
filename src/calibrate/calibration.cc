#include "calibrate/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "base/numbers.h"
#include "calibrate/proving_ground.h"
#include "model/costs.h"
#include "model/memory.h"
#include "model/statistics.h"
#include "server/host.h"

namespace redline {
namespace {

constexpr double kGb = 1024.0 * 1024 * 1024, kKb = 1024;
constexpr double kSmallValue = 100, kLargeValue = 4'096, kBatchSize = 16;
/// Shares of the ceiling at which p99 is measured.
constexpr std::array<double, 7> kLoadShares{0.25, 0.45, 0.6, 0.72, 0.82, 0.9, 0.97};
/// Writes/s while a snapshot is written.
constexpr double kWritesPerS = 20'000;
constexpr const char *kSmall = "small", *kLarge = "large";
/// Of the servers that are forked: keys of 100 B.
constexpr std::array<const char*, 3> kForked{"fork-300k", "fork-900k", "fork-1800k"};

LabStack stackOf(const std::string& name, const std::string& keys, const std::string& bytes) {
  LabStack stack{.name = name, .up = {"node", "-maxmemory=1GB"}};
  stack.load = {"-keys=" + keys, "-value-size=" + bytes, "-ttl-frac=0"};
  return stack;
}

std::vector<LabStack> calibrationStacks() {
  return {stackOf(kSmall, "200k", "100"), stackOf(kLarge, "20k", "4KB"),
          stackOf(kForked[0], "300k", "100"), stackOf(kForked[1], "900k", "100"),
          stackOf(kForked[2], "1800k", "100")};
}

Flags smallKeys() {
  return {"-keys=200k", "-value-size=100", "-ttl-frac=0"};
}
Flags largeKeys() {
  return {"-keys=20k", "-value-size=4KB", "-ttl-frac=0"};
}
Flags closedLoop(bool isRead, double batch) {
  return {"-rate=max", isRead ? "-rw-ratio=1" : "-rw-ratio=0", "-warmup=200ms", "-duration=700ms",
          fmt::format("-pipeline={:.0f}", batch > 1 ? batch : 0)};
}
Flags openLoop(double rate, double readShare) {
  return {fmt::format("-rate={:.0f}", rate), "-arrivals=poisson",
          fmt::format("-rw-ratio={:g}", readShare), "-warmup=200ms", "-duration=800ms"};
}

/// The figures of one coefficient, one of each block.
struct Samples {
  CoefficientId id;
  std::vector<double> values;
};

class Calibrator {
 public:
  Calibrator(const CalibrationOptions& options, const LabTools& tools,
             const CalibrationWatcher& watcher)
      : blocks_(std::max(1U, options.blocks)),
        ground_(calibrationStacks(), options, tools, watcher, stepCount()) {}

  Status measure() {
    for (unsigned block = 1; block <= blocks_; ++block) {
      if (auto done = measureCommands(block); !done) return done;
      if (auto done = measureKnees(block); !done) return done;
    }
    ground_.drop(kLarge);
    if (auto done = measureMemory(); !done) return done;
    ground_.drop(kSmall);
    return measureForks();
  }

  const std::vector<Samples>& samples() const { return samples_; }
  const std::string& redis() const { return redis_; }

 private:
  std::size_t stepCount() const {
    return blocks_ * (4 + kLoadShares.size()) + kForked.size() * blocks_ + 2;
  }

  void add(CoefficientId id, double value) {
    const auto found = std::ranges::find(samples_, id, &Samples::id);
    if (found == samples_.end())
      samples_.push_back({id, {value}});
    else
      found->values.push_back(value);
  }

  Result<DrivenFigures> driven(const std::string& what, const std::string& stack,
                               const Flags& flags) {
    if (auto go = ground_.step(what); !go) return fail(go.error());
    return ground_.drive(stack, flags);
  }

  /// What a command costs is a + b/batch + c × KB: a read in batches of one and of 16, a write, and
  /// a large value give all of them.
  Status measureCommands(unsigned block) {
    const std::string what = fmt::format("what commands cost, {} of {}", block, blocks_);
    const auto one = driven(what, kSmall, joinFlags({smallKeys(), closedLoop(true, 1)}));
    if (!one) return fail(one.error());
    const auto batched =
        driven(what, kSmall, joinFlags({smallKeys(), closedLoop(true, kBatchSize)}));
    if (!batched) return fail(batched.error());
    const auto written = driven(what, kSmall, joinFlags({smallKeys(), closedLoop(false, 1)}));
    if (!written) return fail(written.error());
    const auto large = driven(what, kLarge, joinFlags({largeKeys(), closedLoop(true, 1)}));
    if (!large) return fail(large.error());
    const double perKb = (large->cpuUs - one->cpuUs) / ((kLargeValue - kSmallValue) / kKb);
    const double call = (one->cpuUs - batched->cpuUs) / (1 - 1 / kBatchSize);
    const double value = perKb * kSmallValue / kKb;
    add(CoefficientId::kilobyteUs, perKb);
    add(CoefficientId::callUs, call);
    add(CoefficientId::getUs, one->cpuUs - call - value);
    add(CoefficientId::setUs, written->cpuUs - call - value);
    ceiling_ = 1e6 / one->cpuUs;
    return {};
  }

  Status measureKnees(unsigned block) {
    std::vector<double> shares, p99;
    for (const double share : kLoadShares) {
      const auto run = driven(fmt::format("p99 by load, {} of {}", block, blocks_), kSmall,
                              joinFlags({smallKeys(), openLoop(share * ceiling_, 1)}));
      if (!run) return fail(run.error());
      shares.push_back(share);
      p99.push_back(run->p99Us);
    }
    for (const KneeLimit& knee : kneeLimits()) add(knee.id, kneeRate(shares, p99, knee.limitUs));
    return {};
  }

  Status measureMemory() {
    if (auto go = ground_.step("memory"); !go) return go;
    const auto info = ground_.info(kSmall);
    if (!info) return fail(info.error());
    redis_ = std::string(info->version());
    add(CoefficientId::emptyBytes, info->number("used_memory_startup"));
    return {};
  }

  Status measureForks() {
    std::vector<std::vector<double>> pages(blocks_), seconds(blocks_);
    for (const std::string stack : kForked) {
      for (unsigned block = 0; block < blocks_; ++block) {
        if (auto go = ground_.step(fmt::format("forks, {} of {}", block + 1, blocks_)); !go)
          return go;
        const auto fork = ground_.fork(stack);
        if (!fork) return fail(fork.error());
        pages[block].push_back(fork->residentBytes / kPageBytes);
        seconds[block].push_back(fork->forkS);
        add(CoefficientId::saveSPerGb, fork->childS / (fork->usedBytes / kGb));
        add(CoefficientId::residentFactor, fork->residentBytes / fork->usedBytes);
      }
      if (stack != kForked.back()) ground_.drop(stack);
    }
    for (unsigned block = 0; block < blocks_; ++block) {
      const auto line = fitLine(pages[block], seconds[block]);
      if (!line) continue;
      constexpr double kLeast = 1e-6;  // a line may begin at zero, and a coefficient must not
      add(CoefficientId::forkFixedMs, std::max(kLeast, line->atZero) * 1e3);
      add(CoefficientId::forkPageNs, std::max(kLeast * 1e-6, line->slope) * 1e9);
    }
    return measureCopies();
  }

  Status measureCopies() {
    const auto run = driven("copies while a child lives", kForked.back(),
                            {"-keys=1800k", "-value-size=100", "-ttl-frac=0", "-rw-ratio=0",
                             fmt::format("-rate={:.0f}", kWritesPerS), "-arrivals=poisson",
                             "-warmup=200ms", "-duration=5s", "-chaos=300ms:bgsave"});
    if (!run) return fail(run.error());
    const auto info = ground_.info(kForked.back());
    if (!info) return fail(info.error());
    for (const FaultFigures& fault : run->faults) {
      const auto copied = std::ranges::find(fault.figures, "cow_peak_bytes",
                                            &std::pair<std::string, double>::first);
      if (copied == fault.figures.end()) continue;
      const double resident = info->number("used_memory_rss");
      const double writes = kWritesPerS * (fault.endS - fault.beginS);
      const double share = std::min(0.99, copied->second / resident);
      const double each = -std::log1p(-share) * (resident / kPageBytes) / std::max(1.0, writes);
      if (each > 0) add(CoefficientId::pagesPerWrite, each);
    }
    return {};
  }

  unsigned blocks_;
  ProvingGround ground_;
  std::vector<Samples> samples_;
  double ceiling_ = 0;
  std::string redis_;
};

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min);
}

/// None where nothing positive was measured: then the committed one stays.
std::vector<Coefficient> coefficientsOf(const std::vector<Samples>& samples,
                                        const std::string& measured) {
  std::vector<Coefficient> coefficients;
  for (const Samples& each : samples) {
    const CoefficientSpec& spec = coefficientSpecs()[static_cast<std::size_t>(each.id)];
    std::vector<double> sound;
    for (const double value : each.values)
      if (std::isfinite(value) && value > 0) sound.push_back(value);
    if (sound.empty()) continue;
    const Estimate estimate = medianEstimate(sound);
    coefficients.push_back({std::string(spec.name), estimate.value, estimate.low, estimate.high,
                            sound.size(), std::string(spec.unit),
                            "redline plan -calibrate, " + measured});
  }
  return coefficients;
}

}  // namespace

Result<CoefficientFile> calibrate(const CalibrationOptions& options, const LabTools& tools,
                                  const CalibrationWatcher& watcher) {
  Calibrator calibrator(options, tools, watcher);
  if (auto measured = calibrator.measure(); !measured) return fail(measured.error());
  const HostFacts host = readHost(0);
  CoefficientFile file;
  file.machine = fmt::format("{}, {} cores, Linux {}", host.cpuModel, host.cores, host.kernel);
  file.measured = today();
  file.redis = calibrator.redis();
  file.redline = options.redlineVersion;
  file.coefficients = coefficientsOf(calibrator.samples(), file.measured);
  return file;
}

}  // namespace redline
