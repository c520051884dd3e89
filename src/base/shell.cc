#include "base/shell.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace redline {

std::string shellLine(const std::vector<std::string>& words) {
  constexpr std::string_view kPlain = "-_=+.,:/@%";
  std::string line;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && std::ranges::all_of(word, [&](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
             kPlain.find(c) != std::string_view::npos;
    });
    if (!line.empty()) line += ' ';
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace redline
