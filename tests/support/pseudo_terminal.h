#pragma once

#include <sys/types.h>
#include <termios.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "support/real_redis.h"

namespace redline::test {

/// The program, with a terminal of its own of 24 rows and 100 columns.
class OnTerminal {
 public:
  OnTerminal(const TemporaryDirectory& home, std::vector<std::string> args);
  ~OnTerminal();
  OnTerminal(const OnTerminal&) = delete;
  OnTerminal& operator=(const OnTerminal&) = delete;

  void type(const std::string& keys) const;
  void resize(unsigned short rows, unsigned short columns) const;
  void signal(int number) const;
  /// All that came so far, once `text` is among it; a failed test when it does not come.
  std::string awaitText(const std::string& text);
  /// All that came until nothing more did for a moment.
  std::string output();
  /// Its exit code; -1: a signal ended it, or it did not end.
  int wait();
  /// Whether keys are shown and lines are edited, as before the program began.
  bool isPlain() const;

 private:
  void drain(Nanos wait);

  int terminal_ = -1;  ///< our side
  int held_ = -1;      ///< its side stays open when the program has gone
  pid_t pid_ = -1;
  std::string output_;
};

}  // namespace redline::test
