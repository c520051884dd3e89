#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::size_t kLongestText = 10'000;

}  // namespace

std::string cleanText(std::string_view text) {
  return printable(text, kLongestText);
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

std::string capitalized(std::string text) {
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return text;
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
