#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace redline {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// The bytes of the well-formed UTF-8 character that `text` begins with; 0 when it begins with
/// none.
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

}  // namespace

std::string cleanText(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = characterLength(text);
    const char c = text.front();
    // C1 controls (U+0080…U+009F) are as invisible as C0's.
    const bool c1 = length == 2 && c == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
    if (c == '\n' || c == '\t' || c == '\r')
      clean += ' ';
    else if (length == 0 || c1 ||
             (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)))
      clean += kReplacement;
    else
      clean += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

std::string escapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : cleanText(text)) {
    if (c == '&')
      escaped += "&amp;";
    else if (c == '<')
      escaped += "&lt;";
    else if (c == '>')
      escaped += "&gt;";
    else if (c == '"')
      escaped += "&quot;";
    else if (c == '\'')
      escaped += "&#39;";
    else
      escaped += c;
  }
  return escaped;
}

std::string escapeMarkdown(std::string_view text) {
  constexpr std::string_view kMarkup = "\\`*_[]#|~$";
  std::string escaped;
  for (const char c : cleanText(text)) {
    if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else if (c == '&') {
      escaped += "&amp;";
    } else {
      if (kMarkup.find(c) != std::string_view::npos) escaped += '\\';
      escaped += c;
    }
  }
  return escaped;
}

std::string markdownCode(std::string_view text) {
  const std::string clean = cleanText(text);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char c : clean) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const bool pad = longest != 0;
  return fence + (pad ? " " : "") + clean + (pad ? " " : "") + fence;
}

std::string shortened(std::string_view text, std::size_t length) {
  const std::string clean = cleanText(text);
  std::size_t characters = 0;
  std::size_t cut = 0;  // where the last character that leaves room for "…" ends
  for (std::size_t i = 0; i < clean.size();
       i += characterLength(std::string_view(clean).substr(i))) {
    if (characters + 1 == length) cut = i;
    if (++characters > length) return clean.substr(0, cut) + "…";
  }
  return clean;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string groupedRounded(double number) {
  if (!std::isfinite(number)) return "–";
  const auto magnitude = static_cast<std::uint64_t>(std::llround(std::abs(number)));
  return (number < 0 && magnitude != 0 ? "−" : "") + grouped(magnitude);
}

std::string microsCell(double us) {
  if (!std::isfinite(us)) return "–";
  return us < 999.95 ? fmt::format("{:.1f}", us) : groupedRounded(us);
}

std::string formatRatio(double ratio) {
  return ratio < 99.95 ? fmt::format("{:.1f}", ratio) : groupedRounded(ratio);
}

std::string percentileName(std::string_view name) {
  std::string words(name);
  if (words.starts_with("p9") && words.size() > 3) words.insert(3, ".");
  return words;
}

}  // namespace redline
