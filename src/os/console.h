#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/text.h"

namespace redline {

// Standard output has results, standard error has notes and errors. Text that cannot be written,
// because a disk is full or the reader has gone, is dropped: printing never throws and never ends a
// run. Every call writes at once. Thread-safe; a line that is printed by one call stays whole up to
// the size that the kernel writes at once.

/// As it is, with colours and whatever else is in it.
void writeOut(std::string_view text) noexcept;
void writeErr(std::string_view text) noexcept;
/// As writeErr, for text that is only of interest now: dropped as well where it would have to wait
/// for a reader (a paused pager, a stopped terminal).
void writeLive(std::string_view text) noexcept;

/// Made printable, line breaks excepted (base/text.h): the arguments may come from a peer or a
/// file.
template <typename... Args>
void printOut(fmt::format_string<Args...> format, Args&&... args) {
  writeOut(printableLines(fmt::format(format, std::forward<Args>(args)...)));
}
template <typename... Args>
void printErr(fmt::format_string<Args...> format, Args&&... args) {
  writeErr(printableLines(fmt::format(format, std::forward<Args>(args)...)));
}

/// What writeOut() and printOut() write goes to standard error from then on: standard output has
/// the data of writeResult() alone.
void keepStandardOutputForData() noexcept;
/// Replaces the file (os/files.h); "-" is standard output.
Status writeResult(const std::filesystem::path& path, std::string_view text);

/// Whether all results since the start of the process were written. io, noSpace: not all, and why;
/// unreachable: their reader has gone.
Status resultsWritten();

/// For the start of the process. A write whose reader has gone, or beyond a limit on the size of
/// files, then fails like any other instead of ending the process. And a standard stream that is
/// closed stays so: no file that is opened later takes its number and gets what is printed.
void prepareConsole() noexcept;

}  // namespace redline
