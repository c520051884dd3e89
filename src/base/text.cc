#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace redline {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// The code point of the character that `text` is.
char32_t codePoint(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (text.size() == 1) return first;
  char32_t code = first & (0xFFU >> (text.size() + 1));
  for (const char c : text.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

/// Whether a terminal or a browser would do something else with it than draw it.
bool isControl(char32_t code) {
  constexpr char32_t kDelete = 0x7F, kLastControl = 0x9F;
  const bool control = code < 0x20 || (code >= kDelete && code <= kLastControl);
  const bool separator = code == 0x2028 || code == 0x2029;
  const bool direction = code == 0x61C || code == 0x200E || code == 0x200F ||
                         (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
  return control || separator || direction;
}

std::string escaped(std::string_view character, char32_t code) {
  if (character == "\n") return "\\n";
  if (character == "\r") return "\\r";
  if (character == "\t") return "\\t";
  return character.size() == 1 ? fmt::format("\\x{:02x}", static_cast<unsigned char>(character[0]))
                               : fmt::format("\\u{:04x}", static_cast<unsigned>(code));
}

/// Appends the first character of `text` to `clean`, or an escape, and takes it off.
void takeCharacter(std::string_view& text, std::string& clean) {
  const std::size_t length = characterLength(text);
  const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
  const char32_t code = length == 0 ? 0 : codePoint(character);
  if (length == 0 || isControl(code))
    clean += escaped(character, code);
  else
    clean += character;
  text.remove_prefix(character.size());
}

std::string mapped(std::string_view text, char (*map)(char)) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), map);
  return result;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t end = text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return pieces;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> splitLines(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

std::string_view lastLine(std::string_view text) {
  text = trim(text);
  return trim(text.substr(text.rfind('\n') + 1));  // npos + 1 is 0
}

std::vector<std::string_view> splitWords(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    words.push_back(text.substr(0, text.find_first_of(kBlanks)));
    text.remove_prefix(words.back().size());
  }
  return words;
}

std::string_view subfield(std::string_view list, std::string_view name) {
  for (const std::string_view item : split(list, ','))
    if (item.size() > name.size() && item.starts_with(name) && item[name.size()] == '=')
      return item.substr(name.size() + 1);
  return {};
}

std::string toLower(std::string_view text) {
  return mapped(text, lower);
}

std::string toUpper(std::string_view text) {
  return mapped(text, upper);
}

bool equalIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::size_t characterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first < 0xE0   ? 2
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xF0 && first < 0xF5 ? 4
                                                             : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string clean;
  const std::size_t whole = text.size();
  // The ending leaves the result within the limit, so that a second pass does not cut again.
  const std::string ending = fmt::format("… ({} bytes)", whole);
  while (!text.empty()) {
    const std::size_t before = clean.size();
    std::string_view rest = text;
    takeCharacter(rest, clean);
    if (clean.size() > most) {
      clean.resize(before);
      break;
    }
    text = rest;
  }
  if (text.empty()) return clean;
  std::size_t keep = most > ending.size() ? most - ending.size() : 0;
  keep = std::min(keep, clean.size());
  while (keep > 0 && (static_cast<unsigned char>(clean[keep]) & 0xC0) == 0x80) --keep;
  return clean.substr(0, keep) + ending;
}

std::string printableLines(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty())
    if (text.front() == '\n') {
      clean += '\n';
      text.remove_prefix(1);
    } else {
      takeCharacter(text, clean);
    }
  return clean;
}

void replaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string plural(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace redline
