#include "top/screen_parts.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "base/units.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::size_t kLongestName = 40;
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

std::string clockText(Nanos wall) {
  const auto seconds = static_cast<std::time_t>(wall / kSecond);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string countText(double value) {
  return std::isnan(value) ? std::string(kUnknownFigure) : formatCount(value);
}

std::string shareText(double value) {
  return std::isnan(value) ? std::string(kUnknownFigure) : formatShare(value);
}

std::string shortSize(double bytes) {
  return std::isnan(bytes) ? std::string(kUnknownFigure)
                           : formatSize(static_cast<std::uint64_t>(bytes));
}

std::string shortSeconds(double seconds) {
  return std::isnan(seconds) ? std::string(kUnknownFigure) : formatMicros(1e6 * seconds);
}

std::string nameText(std::string_view name) {
  return shortened(name, kLongestName);
}

std::string cellRow(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  const auto columns = [](std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
  };
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t fill = widths[i] - std::min(widths[i], columns(cells[i]));
    if (i != 0) text += "  " + std::string(fill, ' ');
    text += cells[i];
    if (i == 0) text += std::string(fill, ' ');
  }
  return text;
}

void ScreenBuilder::add(const ScreenLine& line) {
  const std::string text = shortened(line.text, style_.columns);
  lines_.push_back(style_.coloured && !line.colour.empty()
                       ? fmt::format("{}{}{}", line.colour, text, kPlain)
                       : text);
}

void ScreenBuilder::add(const std::vector<ScreenLine>& lines) {
  for (const ScreenLine& line : lines) add(line);
}

void ScreenBuilder::sections(const std::vector<ScreenSection>& sections, std::size_t reserved) {
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const ScreenSection& section = sections[i];
    std::size_t room = section.lines.size();
    bool spaced = true;
    if (style_.rows != 0) {
      const std::size_t used = lines_.size() + reserved;
      const std::size_t left = style_.rows > used ? style_.rows - used : 0;
      const std::size_t share = left / (sections.size() - i);
      if (share < 2) continue;  // no room for a line under its heading
      spaced = share > 3;
      room = std::min(room, share - (spaced ? 2 : 1));
    }
    if (spaced) add(ScreenLine{});
    add(ScreenLine{section.heading, kScreenBold});
    for (std::size_t line = 0; line < room; ++line) add(section.lines[line]);
  }
}

std::vector<std::string> ScreenBuilder::take() {
  if (style_.rows != 0 && lines_.size() > style_.rows) lines_.resize(style_.rows);
  return std::move(lines_);
}

}  // namespace redline
