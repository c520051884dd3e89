#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "top/screen.h"

namespace redline {

// What the screens are made of.

inline constexpr std::string_view kUnknownFigure = "–";
inline constexpr std::string_view kScreenBold = "\x1b[1m", kScreenRed = "\x1b[31m",
                                  kScreenGrey = "\x1b[90m";

/// "14:03:22", local time.
std::string clockText(Nanos wall);
// Figures; kUnknownFigure of NaN.
std::string countText(double value);
std::string shareText(double value);
std::string shortSize(double bytes);
std::string shortSeconds(double seconds);
/// A key, made printable and not too long.
std::string nameText(std::string_view name);

/// A line and how it is shown.
struct ScreenLine {
  std::string text;
  std::string_view colour = {};
  /// What is too long for the screen goes on in the next line, even where rows are limited.
  bool wraps = false;
};

/// `text` in lines of at most `columns` characters, broken at blanks where there are any; all but
/// the first are indented.
std::vector<std::string> wrappedText(std::string_view text, std::size_t columns);

/// A table's row: the first cell to the left, the others to the right.
std::string cellRow(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths);

/// A heading, and the lines below it.
struct ScreenSection {
  std::string heading;
  std::vector<ScreenLine> lines;
};

class ScreenBuilder {
 public:
  explicit ScreenBuilder(const ScreenStyle& style) : style_(style) {}

  /// The lines as they fit: wrapped or cut.
  std::vector<ScreenLine> fitted(const std::vector<ScreenLine>& lines) const;
  void add(const ScreenLine& line) { add(std::vector{line}); }
  void add(const std::vector<ScreenLine>& lines);
  /// Each gets its heading and an even share of the rows that are left but for `reserved` ones;
  /// what one does not need the next ones get.
  void sections(const std::vector<ScreenSection>& sections, std::size_t reserved);
  /// No more lines than there are rows.
  std::vector<std::string> take();

 private:
  void put(const ScreenLine& line);  ///< that fits

  ScreenStyle style_;
  std::vector<std::string> lines_;
};

}  // namespace redline
