#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace redline {

/// Text for an HTML page, attributes included; cleanText() of it.
std::string escapeHtml(std::string_view text);

/// Text inside one line or one table cell of Markdown: nothing in it is markup, and it stays on its
/// line.
std::string escapeMarkdown(std::string_view text);

/// `text` as a Markdown code span; backticks in it make the fence longer.
std::string markdownCode(std::string_view text);

/// printable() for a report, whose commands may be long: slow-log entries hold values, and values
/// hold anything.
std::string cleanText(std::string_view text);

/// At most `length` characters, "…" included, never cut inside one.
std::string shortened(std::string_view text, std::size_t length);

/// With a capital, where it begins with a letter.
std::string capitalized(std::string text);

/// "240,000".
std::string grouped(std::uint64_t number);
/// "20,003".
std::string groupedRounded(double number);
/// Microseconds for a table: "74,312", "12.7".
std::string microsCell(double us);
/// "9.3", and "11,983" where a decimal would say nothing.
std::string formatRatio(double ratio);
/// "p99.9" for the summary's "p999"; other names as they are.
std::string percentileName(std::string_view name);

}  // namespace redline
