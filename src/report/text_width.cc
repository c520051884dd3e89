#include "report/text_width.h"

#include <algorithm>
#include <array>

#include "report/text.h"

namespace redline {
namespace {

/// Hundredths of an em, from the blank to the tilde.
constexpr std::array<unsigned char, 95> kAdvances{
    32, 40, 46, 84, 64, 95, 78, 27, 39,  39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64,
    64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79,
    60, 79, 69, 63, 61, 73, 68, 99, 69,  61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63,
    63, 28, 28, 58, 28, 97, 63, 61, 63,  63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64, 34, 64, 84};
constexpr int kBeyond = 84;

bool continuesCharacter(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

double textWidth(std::string_view text, double fontSize) {
  int hundredths = 0;
  for (const char c : text) {
    if (continuesCharacter(c)) continue;
    const bool ascii = c >= ' ' && c <= '~';
    hundredths += ascii ? kAdvances[static_cast<std::size_t>(c - ' ')] : kBeyond;
  }
  return hundredths * fontSize / 100;
}

std::string fitted(std::string_view text, double fontSize, double room) {
  std::size_t length = text.size();
  std::string made(text);
  while (length > 1 && textWidth(made, fontSize) > room) made = shortened(text, --length);
  return made;
}

std::vector<std::string> brokenInto(std::string_view text, double fontSize, double room) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const std::size_t end = text.find_first_of(" -");
    const bool hyphen = end != std::string_view::npos && text[end] == '-';
    const std::string_view word = text.substr(0, hyphen ? end + 1 : end);
    const bool fits = textWidth(line + std::string(word), fontSize) <= room;
    if (!line.empty() && !fits) {
      while (line.ends_with(' ')) line.pop_back();
      lines.push_back(std::move(line));
      line.clear();
    }
    line += word;
    if (end == std::string_view::npos) break;
    if (!hyphen) line += ' ';
    text.remove_prefix(end + 1);
  }
  while (line.ends_with(' ')) line.pop_back();
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

}  // namespace redline
