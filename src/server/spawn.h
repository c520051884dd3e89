#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/process.h"

namespace redline {

/// What to start, and how.
struct SpawnPlan {
  std::vector<std::string> args;    ///< args[0]: a name on PATH, or a path
  std::filesystem::path directory;  ///< working directory
  std::filesystem::path output;     ///< file for stdout and stderr, appended to
  std::string input;                ///< bytes for its stdin, at most 4096; then end of file
  bool dieWithParent = false;       ///< SIGKILL when this process ends, however it does
};

/// A child that exists, in its own session, with every file closed, all signals and all CPUs as by
/// default, and waits at a gate: it runs the program only after release(). When this process dies
/// before that, the child sees the gate close and ends, so no server starts that nobody wrote down.
class GatedChild {
 public:
  static Result<GatedChild> spawn(const SpawnPlan& plan);
  GatedChild(GatedChild&& other) noexcept;
  GatedChild& operator=(GatedChild&&) = delete;
  /// Not released: the child ends, and is reaped.
  ~GatedChild();

  const ProcessId& id() const { return id_; }
  /// Lets it run its program; returns when the program has replaced it, or why that failed.
  Status release();

 private:
  GatedChild() = default;
  void close();

  ProcessId id_;
  std::string program_;
  std::string input_;
  int gate_ = -1;
  int inputPipe_ = -1;
  int failure_ = -1;  ///< carries errno when exec fails, and closes when it succeeds
};

/// A program's path as the shell would find it. io: there is none; the message says how to get it.
Result<std::filesystem::path> findProgram(std::string_view name);
/// Runs a program to its end and returns what it printed (at most 64 KB, stdout and stderr).
Result<std::string> runProgram(const std::vector<std::string>& args, Nanos timeout);

}  // namespace redline
