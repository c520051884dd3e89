#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace redline {

// Text in ASCII's terms: other bytes pass through unchanged. A blank is a space, a tab, a carriage
// return or a newline. Views point into the text that was given.

/// `text` without the blanks at both ends.
std::string_view trim(std::string_view text);

/// The pieces between separators, empty ones included: one more than there are separators.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The lines without their newlines; text behind the last newline is a line too.
std::vector<std::string_view> splitLines(std::string_view text);
/// The last line that is not blank, trimmed; empty when there is none.
std::string_view lastLine(std::string_view text);
/// The pieces between blanks; none is empty.
std::vector<std::string_view> splitWords(std::string_view text);

/// The value of `name` in "name=value,name=value"; empty when it is missing.
std::string_view subfield(std::string_view list, std::string_view name);

std::string toLower(std::string_view text);
std::string toUpper(std::string_view text);
bool equalIgnoringCase(std::string_view a, std::string_view b);

/// `text` from a peer or a file, for a terminal, a log or a report: one line of well-formed UTF-8
/// without characters that control a terminal or the direction of writing, which become "\n",
/// "\x1b" or "\u202e". Of more than `most` bytes it keeps the beginning and says how many it had.
/// Of a result it changes nothing.
std::string printable(std::string_view text, std::size_t most = 1'000);
/// The same for text of many lines: its line breaks stay.
std::string printableLines(std::string_view text);
/// The bytes of the well-formed UTF-8 character that `text`, not empty, begins with; 0: it begins
/// with none.
std::size_t characterLength(std::string_view text);

/// Replaces every `from` of `text`, left to right; `from` is not empty.
void replaceAll(std::string& text, std::string_view from, std::string_view to);

/// "1 run", "2 runs".
std::string plural(std::uint64_t count, std::string_view noun);
/// "1 entry", "2 entries".
std::string plural(std::uint64_t count, std::string_view one, std::string_view many);

/// `text` as a number, when all of it is one that `Number` holds: no blanks, no plus sign.
template <typename Number>
std::optional<Number> toNumber(std::string_view text) {
  Number number{};
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc{} || end != last) return std::nullopt;
  return number;
}

}  // namespace redline
