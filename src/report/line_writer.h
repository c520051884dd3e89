#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>

namespace redline {

/// Text that is written line by line: what the writers of pages and scripts have in common.
class LineWriter {
 protected:
  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  std::string text_;
};

}  // namespace redline
