#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "base/clock.h"

namespace redline {

/// A process and the CPU time that all its threads have used since it began.
struct ProcessCpu {
  pid_t pid = 0;
  Nanos used = 0;
};

/// Whose process it is.
enum class Ownership {
  ours,    ///< this process, or one that descends from it: servers, their children, peers
  kernel,  ///< does the disk's and the network's work, ours as well as others'
  foreign,
};

/// CPU time that was used since the table before.
struct OthersCpu {
  Nanos foreign = 0;
  Nanos kernel = 0;  ///< of its threads
};

/// The CPU time of processes that are neither ours nor the kernel's, out of tables of all processes
/// in turn. One that ends between two tables keeps what it used since the last; one that begins and
/// ends between them is not seen.
class ForeignTally {
 public:
  /// `ownerOf` is asked once for each process.
  explicit ForeignTally(std::function<Ownership(pid_t)> ownerOf) : ownerOf_(std::move(ownerOf)) {}

  /// What others used since the last call; nothing in the first.
  OthersCpu add(const std::vector<ProcessCpu>& now);

 private:
  struct Known {
    Nanos used = 0;
    Ownership owner = Ownership::foreign;
  };
  std::function<Ownership(pid_t)> ownerOf_;
  std::map<pid_t, Known> known_;
  bool isFirst_ = true;
};

/// All processes that can be seen, by their CPU clocks: exact to the microsecond, about 1 µs a
/// process. In a container: those of the container.
std::vector<ProcessCpu> readProcessCpus();
/// By the parents of `pid`. Ours descend from this process, or work below `servers`: a container's
/// descend from Docker. Empty: there are none.
Ownership ownerOf(pid_t pid, const std::filesystem::path& servers = {});

}  // namespace redline
