#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"

namespace redline {

/// Takes the text of a line, with the characters that place it.
using WriteText = std::function<void(std::string_view)>;

/// One line that says how far a long task is: "loading  1.2M of 3M (40%)  528k/s  3.4 s left".
/// On a terminal the line is redrawn in place; otherwise a line is written at most every 5 s.
class Progress {
 public:
  /// `label` names the task; `total` 0 means unknown.
  Progress(WriteText write, bool terminal, std::string_view label, std::uint64_t total);
  /// Standard error, redrawn if it is a terminal.
  Progress(std::string_view label, std::uint64_t total);

  /// Cheap to call often: draws at most at its own interval. `done` decreases where a task begins
  /// again.
  void update(Nanos now, std::uint64_t done);
  /// The last line, always written, with the whole task's rate.
  void finish(Nanos now, std::uint64_t done);

  /// The line without colour or newline. `rate` in things a second, 0 when unknown; `usual`: the
  /// one that the time left follows from.
  static std::string line(std::string_view label, std::uint64_t done, std::uint64_t total,
                          double rate, double usual);

 private:
  void learn(double rate, Nanos span);
  void draw(const std::string& text, bool last);

  WriteText write_;
  bool terminal_;
  std::string label_;
  std::uint64_t total_;
  bool started_ = false;
  Nanos startedAt_ = 0;
  Nanos drawnAt_ = 0;
  std::uint64_t drawnDone_ = 0;
  double usualRate_ = 0;  ///< of the last seconds
  std::size_t drawnLength_ = 0;
};

/// A status line with a given text, shown as Progress is: redrawn
/// in place on a terminal, and otherwise written at most every 5 s, and not in the first 2 s.
class StatusLine {
 public:
  /// Standard error.
  StatusLine();
  StatusLine(WriteText write, bool terminal) : write_(std::move(write)), terminal_(terminal) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Cheap to call often: draws at most at its own interval.
  void update(Nanos now, const std::string& text);
  /// Takes the line off the terminal, so that something else can be written.
  void clear();

 private:
  WriteText write_;
  bool terminal_;
  std::optional<Nanos> drawnAt_;
  std::size_t drawnLength_ = 0;
};

}  // namespace redline
