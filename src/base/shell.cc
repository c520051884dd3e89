#include "base/shell.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace redline {

namespace {

constexpr std::array kPlaces{"out", "json", "metrics-linger"};

/// What the word names of these flags; empty: nothing.
std::string_view placeIn(std::string_view word) {
  if (!word.starts_with('-')) return {};
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  const auto name = word.substr(0, word.find('='));
  return std::ranges::find(kPlaces, name) == kPlaces.end() ? std::string_view() : word;
}

}  // namespace

std::string repeatLine(const std::vector<std::string>& words) {
  std::vector<std::string> kept;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view place = placeIn(words[i]);
    if (place.empty())
      kept.push_back(words[i]);
    else if (place.find('=') == std::string_view::npos)
      ++i;  // its value is the next word
  }
  return shellLine(kept);
}

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
