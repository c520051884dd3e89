#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "lab/experiment.h"
#include "lab/runner.h"

namespace redline {

// What the sub-commands that run others share: lab and plan -calibrate.

/// -server-cpus -cpus -stacks.
std::vector<FlagSpec> machineFlags();
/// Plans of `stack up`, `loader` and `driver` from their flags, by these sub-commands' own code.
LabTools labTools();
/// Those of the flags, else the first two usable ones; empty on a machine with one.
LabCpus labCpus(const FlagValues& flags);

/// The directory of this process's servers, below -stacks; removed at the end.
class Scratch {
 public:
  static Result<Scratch> make(const FlagValues& flags);
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  /// Whatever is in it goes with it.
  ~Scratch();
  const std::filesystem::path& path() const { return path_; }

 private:
  explicit Scratch(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace redline
