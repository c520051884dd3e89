#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// As whom a program runs, instead of as this process. Only root may choose.
struct RunAs {
  uid_t user = 0;
  gid_t group = 0;  ///< and no other group
};

/// What to start, and with what. Of the descriptors, which the caller keeps, -1 means /dev/null.
struct ProgramStart {
  std::vector<std::string> args;    ///< args[0]: a name on PATH, or a path
  std::filesystem::path directory;  ///< working directory; empty: this process's
  int input = -1, output = -1, errors = -1;
  bool dieWithParent = false;                 ///< SIGKILL when this process ends, however it does
  std::vector<std::string> environment = {};  ///< "NAME=value": beside what this process has
  std::optional<RunAs> as = {};
};

/// A child that exists, in its own session, with every other file closed, all signals and all CPUs
/// as by default, and waits at a gate: it runs the program only after release(). When this process
/// dies before that, the child sees the gate close and ends, so no program runs before its owner
/// has recorded it.
class GatedChild {
 public:
  static Result<GatedChild> spawn(const ProgramStart& start);
  GatedChild(GatedChild&& other) noexcept = default;
  GatedChild& operator=(GatedChild&&) = delete;
  /// Not released: the child ends, and is reaped.
  ~GatedChild();

  pid_t pid() const { return pid_; }
  /// Lets it run its program; returns when the program has replaced it, or why that failed. From
  /// then on the caller reaps it.
  Status release();

 private:
  GatedChild(pid_t pid, std::string program, Fd gate, Fd failure)
      : pid_(pid),
        program_(std::move(program)),
        gate_(std::move(gate)),
        failure_(std::move(failure)) {}

  pid_t pid_;
  std::string program_;
  Fd gate_;
  Fd failure_;  ///< carries errno when exec fails, and closes when it succeeds
};

/// A program's path as the shell would find it. io: there is none; the message says how to get it.
Result<std::filesystem::path> findProgram(std::string_view name);

}  // namespace redline
