#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/real_redis.h"

namespace redline::test {

/// A setting: the lab goes before other programs, which here are other tests.
inline constexpr const char* kGoesFirst = "REDLINE_PRIORITY=true";

/// The program, running as a child process. Variables named REDLINE_… come from `settings`
/// alone; REDLINE_HOME is in `home` unless they name it or HOME, and REDLINE_PRIORITY is false
/// unless they say otherwise.
class Redline {
 public:
  Redline(const TemporaryDirectory& home, std::vector<std::string> args,
          const std::vector<std::string>& settings = {});
  ~Redline();
  Redline(const Redline&) = delete;
  Redline& operator=(const Redline&) = delete;

  pid_t pid() const { return pid_; }
  void interrupt() const;
  /// SIGKILL, and waits.
  void kill();

  /// Its exit code; -1: a signal ended it, or it did not end.
  int wait();
  std::string out() const;
  std::string err() const;

  /// The one line that says what is wrong; a failed test when there are none or several.
  std::string error() const;

 private:
  std::filesystem::path out_, err_;
  std::string command_;
  pid_t pid_ = 0;
};

}  // namespace redline::test
