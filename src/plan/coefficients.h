#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace redline {

// What the planner knows of a machine and of Redis: measured figures, each with its interval and
// its source. `redline plan -calibrate` measures those that depend on the machine; the committed
// ones (coefficients.json) are from the machine that the file names.

enum class CoefficientId : std::uint8_t {
  getUs,          ///< main-thread CPU of a GET of a small value, without system calls
  setUs,          ///< the same of a SET
  callUs,         ///< of a read and a write of a socket, shared by the commands of a batch
  kilobyteUs,     ///< more for each KB of a value
  clusterFactor,  ///< of all these on a node of a cluster
  knee250us,      ///< share of the ceiling up to which p99 stays below 250 µs
  knee500us,
  knee1ms,
  knee2ms,
  knee5ms,
  knee10ms,
  forkFixedMs,
  forkPageNs,      ///< of fork() for each resident page
  saveSPerGb,      ///< how long a snapshot's child lives, for each GB of used_memory
  pagesPerWrite,   ///< copied for a write while it lives
  emptyBytes,      ///< used_memory of a server without keys
  residentFactor,  ///< resident ÷ used memory
  lruWeight,       ///< where Redis's sampling lies between RANDOM (0) and exact LRU (1)
  failoverS,       ///< until p99 is back after a master's death, less cluster-node-timeout
};
inline constexpr std::size_t kCoefficients = 19;

/// A service level that a knee is known for.
struct KneeLimit {
  double limitUs;  ///< of p99
  CoefficientId id;
};
/// From the strictest on.
std::span<const KneeLimit> kneeLimits();

struct CoefficientSpec {
  CoefficientId id;
  std::string_view name;  ///< in files and output
  std::string_view unit;
  std::string_view meaning;
  bool moreIsWorse;  ///< for the deployment
};
std::span<const CoefficientSpec> coefficientSpecs();

struct Coefficient {
  std::string name;
  double value = 0, low = 0, high = 0;
  std::uint64_t count = 0;  ///< measurements that it comes from
  std::string unit;
  std::string source;  ///< "this machine, 2026-11-29", "results/failover/failover.txt"
};

/// A file of coefficients as it is stored. Those that it lacks are the committed ones.
struct CoefficientFile {
  std::string machine, measured, redis, redline;
  std::vector<Coefficient> coefficients;
};

/// invalidInput: not such a file, a name that is unknown or there twice, a figure that is not
/// positive, or an interval that does not hold it.
Result<CoefficientFile> parseCoefficients(std::string_view text, std::string_view place);
std::string coefficientsJson(const CoefficientFile& file);

/// Which end of each interval is used.
enum class Outlook : std::uint8_t { expected, favourable, unfavourable };

/// One of each.
class Coefficients {
 public:
  /// Those that redline was built with. Never fails: a test parses the file.
  static Coefficients committed();
  /// `file` over the committed ones.
  explicit Coefficients(const CoefficientFile& file);

  const Coefficient& operator[](CoefficientId id) const {
    return all_[static_cast<std::size_t>(id)];
  }
  /// By its name, which must be one of coefficientSpecs().
  void replace(const Coefficient& one);
  double value(CoefficientId id, Outlook outlook = Outlook::expected) const;
  std::span<const Coefficient> all() const { return all_; }
  /// Of the file that the newest of them come from; empty fields where they are unknown.
  const CoefficientFile& origin() const { return origin_; }

 private:
  Coefficients() = default;
  void put(const CoefficientFile& file);

  std::array<Coefficient, kCoefficients> all_;
  CoefficientFile origin_;  ///< without the coefficients
};

}  // namespace redline
