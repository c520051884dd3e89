#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// The terminal of standard output as a screen that is drawn again in place: the other screen
/// buffer, no cursor, keys as they are typed. At its end the terminal is as it was before, however
/// this process ends: a process of its own sees to that where this one cannot any more. One at a
/// time.
class FullScreen {
 public:
  struct Size {
    std::size_t columns = 80, rows = 24;
  };

  /// True when standard output is a terminal that can be drawn on.
  static bool isPossible();
  /// io: the helper process cannot be started.
  static Result<FullScreen> open();
  FullScreen(FullScreen&& other) noexcept;
  FullScreen& operator=(FullScreen&&) = delete;
  ~FullScreen();

  /// As it is now: a window may have been resized.
  Size size() const;
  /// Replaces what is shown; further lines than the terminal has are left out. Each must fit its
  /// width.
  void draw(std::span<const std::string> lines) const;
  /// The next key, or none within `timeout`: also where a signal came, or keys do not come from a
  /// terminal.
  std::optional<char> key(Nanos timeout) const;

 private:
  FullScreen(Fd orders, pid_t guard, bool hasKeys)
      : orders_(std::move(orders)), guard_(guard), hasKeys_(hasKeys) {}

  Fd orders_;  ///< closed without an order: the guard restores the terminal
  pid_t guard_ = -1;
  bool hasKeys_ = false;  ///< standard input is a terminal
};

}  // namespace redline
