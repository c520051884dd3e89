#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "top/model.h"

namespace redline {

/// Where a view goes to.
struct ScreenStyle {
  std::size_t columns = 100;  ///< 0: lines are as long as they are
  std::size_t rows = 0;       ///< 0: as many as there are
  bool coloured = false;
};

/// What stands in the first line, beside the time.
struct ScreenTitle {
  std::string what;  ///< "127.0.0.1:7600", "cluster of 127.0.0.1:7700"
  Nanos wall = 0;    ///< now, on the wall clock
  std::string hint;  ///< "q quits"; may be empty
};

/// The screen: a line each, none wider than the style. Texts go on in the next line; where rows
/// are limited, entries of the lists are cut and sections that find no room have the fewer lines.
/// Columns that find no room stand below the table, for all together. Texts of servers are made
/// printable.
std::vector<std::string> topScreen(const TopView& view, const ScreenTitle& title,
                                   const ScreenStyle& style);

/// Where there is no terminal: one line of figures, and one for each event since the view before:
/// of the logs, of nodes whose problem begins, changes or ends, of the cluster's state.
std::vector<std::string> topLines(const TopView& view, Nanos wall);

/// One line of -json, without its newline (docs/top.md).
std::string topJson(const TopView& view, Nanos wall);

}  // namespace redline
