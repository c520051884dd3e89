#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "model/statistics.h"

namespace redline {

// Costs on the event loop: forks, copied pages, commands that visit every element. Constants are
// measurements on one machine; a lab with its own measurements passes those instead.

inline constexpr double kPageBytes = 4096;

/// fork() copies a page-table entry for each resident page of the parent, besides a part that does
/// not grow. A line through latest_fork_usec of Redis 7.0.15 on a quiet virtual machine of two
/// cores, 4 KiB pages: 13 to 17 ms at 0.5 GB, 33 to 37 ms at 1.6 GB, 308 ms at 17.7 GB resident.
struct ForkCost {
  double fixedS = 5e-3;
  double secondsPerPage = 66e-9;
};

/// How long fork() blocks a server with `residentBytes`, in seconds. With transparent huge pages
/// (`always`) it takes a fraction of that.
double forkSeconds(double residentBytes, const ForkCost& cost = {});

/// Bytes that the kernel copies while a child lives: `writes` spread evenly over the resident
/// pages, each of which dirties `pagesPerWrite` pages (value, dict entry, and the allocator's or
/// object's: about 3, an estimate). Each page is copied once. An upper bound where popular keys are
/// written again and again.
double copiedBytes(double residentBytes, double writes, double pagesPerWrite = 3);

/// A command that visits all N elements, on the main thread, while all other clients wait.
struct ElementCost {
  std::string_view command;
  double secondsPerElement = 0;
};
/// By command name in capitals, "KEYS": as measured on the machine named in costs.cc. None if there
/// is not a figure.
std::optional<ElementCost> elementCost(std::string_view command);
/// The command that reads a value of that type ("hash") whole, as elementCost() has it; empty:
/// none that has a figure.
std::string_view wholeRead(std::string_view type);
inline double stallSeconds(const ElementCost& cost, double elements) {
  return cost.secondsPerElement * elements;
}
/// How long wholeRead() of a value blocks the server; 0 where there is no figure.
double wholeReadSeconds(std::string_view type, std::uint64_t elements);

/// A straight line of times over sizes, which neither begins below zero nor falls.
struct Line {
  double atZero = 0, slope = 0;
  double at(double x) const { return atZero + slope * x; }
};
/// By least squares of logarithms, since the noise of times multiplies. None with fewer than two
/// different x, or where a value is not positive.
std::optional<Line> fitLine(std::span<const double> x, std::span<const double> y);
/// What that line foretells at a size beyond the points. The interval is that of one more
/// measurement there, as long as the law stays the line: between "no more than at the sizes
/// measured" and "proportional to the size", so never below zero. No interval below four points;
/// count 0 where there is no line.
Estimate forecast(std::span<const double> x, std::span<const double> y, double at,
                  double confidence = 0.95);

/// Redis's active expiry (src/expire.c of 7.0, effort 1): the slow cycle runs `hz` times a second
/// and may take a quarter of the time between two runs.
struct ActiveExpiry {
  double hz = 10;
  double cpuShare = 0.25;

  /// The longest that one cycle blocks all other clients, seconds: 25 ms at the default hz.
  double longestCycleS() const { return cpuShare / hz; }
  /// Keys a second while there is nothing but expired keys to find, each costing `secondsPerKey`.
  double keysPerS(double secondsPerKey) const { return cpuShare / secondsPerKey; }
};

}  // namespace redline
