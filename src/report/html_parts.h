#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/document.h"

namespace redline {

// What the pages of runs and of labs are put together from.

/// A page in the making. Everything that comes from outside passes escapeHtml here.
class Page {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  std::string take() && { return std::move(text_); }

 private:
  std::string text_;
};

/// Everything up to the title, and everything after the last section.
void beginPage(Page& page, std::string_view title);
void endPage(Page& page);

void addList(Page& page, std::string_view title, const std::vector<std::string>& lines);
/// A command line whose words stay whole where the page is narrow.
std::string unbrokenWords(std::string_view command);
/// One row of a table; the first cell is its heading, as all are where `head`.
void addRow(Page& page, const std::vector<std::string>& cells, bool head);
/// Tables of two columns stand side by side where there is room.
void addTables(Page& page, const std::vector<Table>& tables);
void addFigures(Page& page, const std::vector<Figure>& figures);

}  // namespace redline
