#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "lab/experiment.h"

namespace redline {

/// What was seen while a witness watched. Times are CLOCK_MONOTONIC's.
struct Witnessed {
  struct Sample {
    Nanos at = 0;
    Nanos foreign = 0;  ///< CPU time that other processes had used since the watch began
    Nanos kernel = 0;   ///< … that threads of the kernel had
  };
  enum class Core : std::uint8_t { server, generator };
  struct Gap {
    Nanos at = 0;  ///< its end
    Nanos length = 0;
    Core core = Core::server;
  };
  std::vector<Sample> samples;  ///< ascending
  std::vector<Gap> gaps;        ///< in which a core ran nothing of us
  std::string canaryRefused;    ///< why its threads have no priority; empty: they have

  /// What others had of [from, to): their CPU time, on straight lines between the samples, and the
  /// gaps that ended in it; as a share of one core. None where the samples do not reach.
  std::optional<double> foreignShare(Nanos from, Nanos to) const;
  /// The share of the watch in which that core was gone.
  double gapShare(Core core) const;
  /// What the kernel's threads took, as a share of one core.
  double kernelShare() const;
};

/// Sees, beside a run and without looking at it, what others take of the lab's cores: the CPU time
/// of every process that is not ours (lab/foreign_cpu.h), 40 times a second from the generator's
/// core; and by a canary on each of the two cores what no process explains. A canary wakes every
/// 2 ms above all ordinary priorities and reads the clock: if it comes late, a hypervisor had the
/// core. Together they cost about 0.3% of a core. Where real-time priority is refused the canary
/// queues with everybody else, and only gaps count that no fair share of the core explains.
class Witness {
 public:
  /// `servers`: the directory of this lab's servers.
  explicit Witness(const LabCpus& cpus, std::filesystem::path servers = {});
  ~Witness();
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  /// Ends the watch.
  Witnessed stop();

 private:
  void sample(const std::optional<unsigned>& cpu);
  void keepWatch(unsigned cpu, Witnessed::Core core);
  bool stopped(Nanos wait);

  std::filesystem::path servers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::atomic<bool> ended_ = false;
  Witnessed seen_;
  std::vector<std::thread> threads_;
};

/// How much others may have of an interval that still counts as undisturbed: what the machine's
/// background takes while Redis and the generator are idle, and 2% of a core more. The background
/// is the lower quartile of a second in tenths, so that a burst that passes does not make it seem
/// larger, and 5% at most. Takes a second.
double tolerableForeignShare(const LabCpus& cpus, const std::filesystem::path& servers = {});
/// The same of what was witnessed.
double tolerableForeignShare(const Witnessed& idle);

}  // namespace redline
