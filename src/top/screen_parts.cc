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
constexpr std::string_view kIndent = "    ";  ///< of what goes on in the next line

bool beginsCharacter(char c) {
  return (c & 0xc0) != 0x80;
}

/// Where the line ends that takes up to `columns` characters of `text`.
std::size_t lineEnd(std::string_view text, std::size_t columns) {
  std::size_t characters = 0, blank = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (beginsCharacter(text[i]) && ++characters > columns)
      return text[i] == ' ' || blank == 0 ? i : blank;
    if (text[i] == ' ' && text.find_first_not_of(' ') < i) blank = i;
  }
  return text.size();
}

}  // namespace

std::vector<std::string> wrappedText(std::string_view text, std::size_t columns) {
  std::vector<std::string> lines;
  do {
    const std::string_view indent = lines.empty() || columns <= kIndent.size() ? "" : kIndent;
    const std::size_t end = lineEnd(text, std::max<std::size_t>(1, columns - indent.size()));
    lines.emplace_back(indent).append(text.substr(0, end));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ')));
  } while (!text.empty());
  return lines;
}

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
    return static_cast<std::size_t>(std::ranges::count_if(text, beginsCharacter));
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

std::vector<ScreenLine> ScreenBuilder::fitted(const std::vector<ScreenLine>& lines) const {
  std::vector<ScreenLine> all;
  for (const ScreenLine& line : lines) {
    if (style_.columns == 0)
      all.push_back({cleanText(line.text), line.colour});
    else if (line.wraps || style_.rows == 0)
      for (std::string& part : wrappedText(cleanText(line.text), style_.columns))
        all.push_back({std::move(part), line.colour});
    else
      all.push_back({shortened(line.text, style_.columns), line.colour});
  }
  return all;
}

void ScreenBuilder::put(const ScreenLine& line) {
  lines_.push_back(style_.coloured && !line.colour.empty()
                       ? fmt::format("{}{}{}", line.colour, line.text, kPlain)
                       : line.text);
}

void ScreenBuilder::add(const std::vector<ScreenLine>& lines) {
  for (const ScreenLine& line : fitted(lines)) put(line);
}

void ScreenBuilder::sections(const std::vector<ScreenSection>& sections, std::size_t reserved) {
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const std::vector<ScreenLine> heading = fitted({{sections[i].heading, kScreenBold, true}});
    const std::vector<ScreenLine> lines = fitted(sections[i].lines);
    std::size_t room = lines.size();
    bool spaced = true;
    if (style_.rows != 0) {
      const std::size_t used = lines_.size() + reserved;
      const std::size_t left = style_.rows > used ? style_.rows - used : 0;
      const std::size_t share = left / (sections.size() - i);
      if (share < heading.size() + 1) continue;  // no room for a line under its heading
      spaced = share > heading.size() + 2;
      room = std::min(room, share - heading.size() - (spaced ? 1 : 0));
    }
    if (spaced) put({});
    for (const ScreenLine& line : heading) put(line);
    for (std::size_t line = 0; line < room; ++line) put(lines[line]);
  }
}

std::vector<std::string> ScreenBuilder::take() {
  if (style_.rows != 0 && lines_.size() > style_.rows) lines_.resize(style_.rows);
  return std::move(lines_);
}

}  // namespace redline
