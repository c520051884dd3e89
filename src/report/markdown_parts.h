#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/document.h"

namespace redline {

// What the Markdown of runs and of labs is put together from.

/// Lines in the making.
class Text {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  void blank() { text_ += '\n'; }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

/// A code block that no line of `code` can end.
void addCode(Text& text, std::string_view code);
/// The same for several lines, each cleaned by itself.
void addScript(Text& text, std::string_view lines);
/// `level` is the heading's: "###".
void addTable(Text& text, std::string_view level, const Table& table);
void addFigures(Text& text, std::string_view level, const std::vector<Figure>& figures);

}  // namespace redline
