#include "rundir/lines.h"

#include <fmt/format.h>

namespace redline {

std::vector<std::string_view> wholeLines(std::string_view text, std::string_view name,
                                         std::vector<std::string>& warnings) {
  std::vector<std::string_view> lines;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
  }
  if (at < text.size())
    warnings.push_back(fmt::format("{}:{}: the last line is incomplete ({} bytes) and was left out",
                                   name, lines.size() + 1, text.size() - at));
  return lines;
}

}  // namespace redline
