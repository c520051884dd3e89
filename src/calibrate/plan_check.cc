#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/numbers.h"
#include "calibrate/calibration.h"
#include "calibrate/proving_ground.h"
#include "json/json.h"
#include "model/costs.h"
#include "model/statistics.h"
#include "plan/load.h"

namespace redline {

void visit(auto& json, MappedAs<PredictionCheck> auto& check) {
  json.field("id", check.id);
  json.field("what", check.what);
  json.field("unit", check.unit);
  json.field("predicted", check.predicted);
  json.field("measured", check.measured);
  json.field("tolerance", check.tolerance);
  json.derived("holds", [&] { return check.holds(); });
}

namespace {

// Sizes and mixes between and beyond those of calibration.cc.
constexpr std::uint64_t kKneeKeys = 120'000, kForkKeys = 1'200'000;
constexpr double kKneeValue = 1'024, kForkValue = 200;
constexpr double kReads = 0.8;
constexpr double kMemoryTolerance = 0.05, kTolerance = 0.2;
/// Of the predicted rate.
constexpr std::array<double, 9> kRateShares{0.6, 0.7, 0.8, 0.88, 0.96, 1.04, 1.12, 1.2, 1.3};
constexpr const char *kKneeStack = "knee", *kForkStack = "fork";

std::string keysFlag(std::uint64_t keys) {
  return fmt::format("-keys={}", keys);
}
std::string sizeFlag(double bytes) {
  return fmt::format("-value-size={:.0f}", bytes);
}

LabStack checkedStack(const std::string& name, std::uint64_t keys, double bytes) {
  LabStack stack{.name = name, .up = {"node", "-maxmemory=1GB"}};
  stack.load = {keysFlag(keys), sizeFlag(bytes), "-ttl-frac=0.3", "-ttl-min=1h", "-ttl-max=2h"};
  return stack;
}

SizingRequest requestOf(std::uint64_t keys, double bytes) {
  SizingRequest request;
  request.keys = keys;
  request.rate = 1;
  request.valueBytes = bytes;
  request.readShare = kReads;
  request.ttlShare = 0.3;
  request.replicas = 0;
  request.shards = 1;
  request.zipfS = 0;
  return request;
}

class Checker {
 public:
  Checker(const Coefficients& coefficients, const CalibrationOptions& options,
          const LabTools& tools, const CalibrationWatcher& watcher)
      : coefficients_(coefficients),
        blocks_(std::max(1U, options.blocks)),
        ground_({checkedStack(kKneeStack, kKneeKeys, kKneeValue),
                 checkedStack(kForkStack, kForkKeys, kForkValue)},
                options, tools, watcher, 2 + blocks_ * (1 + kRateShares.size())) {}

  Result<std::vector<PredictionCheck>> check() {
    if (auto done = checkMemory(kKneeStack, kKneeKeys, kKneeValue); !done)
      return fail(done.error());
    if (auto done = checkKnee(); !done) return fail(done.error());
    ground_.drop(kKneeStack);
    if (auto done = checkMemory(kForkStack, kForkKeys, kForkValue); !done)
      return fail(done.error());
    if (auto done = checkFork(); !done) return fail(done.error());
    return checks_;
  }

 private:
  Status checkMemory(const std::string& stack, std::uint64_t keys, double bytes) {
    if (auto go = ground_.step("memory"); !go) return go;
    const auto info = ground_.info(stack);
    if (!info) return fail(info.error());
    const SizingRequest request = requestOf(keys, bytes);
    const NodeMemory memory = LoadModel(request, coefficients_, Outlook::expected).memoryAt(1, 0);
    checks_.push_back({"memory-" + stack,
                       fmt::format("used_memory of {} keys of {:.0f} B", keys, bytes), "bytes",
                       memory.data + coefficients_.value(CoefficientId::emptyBytes),
                       info->number("used_memory"), kMemoryTolerance});
    return {};
  }

  Status checkKnee() {
    constexpr double kLimitUs = 1'000;
    const SizingRequest request = requestOf(kKneeKeys, kKneeValue);
    const LoadModel model(request, coefficients_, Outlook::expected);
    const double predicted = model.knee() * 1e6 / model.meanUs(1);
    std::vector<double> found;
    for (unsigned block = 1; block <= blocks_; ++block) {
      std::vector<double> rates, p99;
      for (const double share : kRateShares) {
        if (auto go = ground_.step(fmt::format("p99's knee, {} of {}", block, blocks_)); !go)
          return go;
        const auto run = ground_.drive(
            kKneeStack, {keysFlag(kKneeKeys), sizeFlag(kKneeValue), "-ttl-frac=0.3", "-ttl-min=1h",
                         "-ttl-max=2h", fmt::format("-rw-ratio={:g}", kReads),
                         fmt::format("-rate={:.0f}", share * predicted), "-arrivals=poisson",
                         "-warmup=200ms", "-duration=800ms"});
        if (!run) return fail(run.error());
        rates.push_back(share * predicted);
        p99.push_back(run->p99Us);
      }
      const double knee = kneeRate(rates, p99, kLimitUs);
      if (std::isfinite(knee)) found.push_back(knee);
    }
    std::ranges::sort(found);
    checks_.push_back(
        {"knee",
         fmt::format("rate up to which p99 stays below 1 ms, values of {:.0f} B", kKneeValue),
         "ops/s", predicted, found.empty() ? kNaN : medianOf(found), kTolerance});
    return {};
  }

  Status checkFork() {
    std::vector<double> seconds;
    double resident = 0;
    for (unsigned block = 1; block <= blocks_; ++block) {
      if (auto go = ground_.step(fmt::format("fork, {} of {}", block, blocks_)); !go) return go;
      const auto fork = ground_.fork(kForkStack);
      if (!fork) return fail(fork.error());
      seconds.push_back(fork->forkS);
      resident = fork->residentBytes;
    }
    std::ranges::sort(seconds);
    const ForkCost cost{coefficients_.value(CoefficientId::forkFixedMs) / 1e3,
                        coefficients_.value(CoefficientId::forkPageNs) / 1e9};
    checks_.push_back({"fork", fmt::format("a fork of {} keys of {:.0f} B", kForkKeys, kForkValue),
                       "s", forkSeconds(resident, cost), medianOf(seconds), kTolerance});
    return {};
  }

  const Coefficients& coefficients_;
  unsigned blocks_;
  ProvingGround ground_;
  std::vector<PredictionCheck> checks_;
};

}  // namespace

std::string planChecksJson(const std::vector<PredictionCheck>& checks) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.schema(1);
  json.field("checks", checks);
  return document.text(2) + "\n";
}

bool PredictionCheck::holds() const {
  return std::abs(predicted - measured) <= tolerance * measured;
}

Result<std::vector<PredictionCheck>> checkPlan(const Coefficients& coefficients,
                                               const CalibrationOptions& options,
                                               const LabTools& tools,
                                               const CalibrationWatcher& watcher) {
  return Checker(coefficients, options, tools, watcher).check();
}

}  // namespace redline
