#include "cmd/help.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "cmd/text.h"

namespace redline {
namespace {

constexpr std::size_t kFlagColumn = 28;  ///< where a flag's explanation begins
constexpr std::size_t kNarrowest = 48;
constexpr std::size_t kWidest = 110;  ///< longer lines are hard to read

class Page {
 public:
  explicit Page(const HelpStyle& style)
      : width_(std::clamp(style.width, kNarrowest, kWidest)), bold_(style.bold) {}

  void heading(std::string_view text) {
    if (!text_.empty()) text_ += '\n';
    for (const std::string& line : wrap(text, width_))
      text_ += bold_ ? fmt::format("\033[1m{}\033[0m\n", line) : fmt::format("{}\n", line);
  }

  void paragraph(std::string_view text, std::size_t indent = 2) {
    for (const std::string& line : wrap(text, width_ - indent))
      text_ += fmt::format("{:{}}{}\n", "", indent, line);
  }

  void line(std::string_view text) { text_ += fmt::format("{}\n", text); }

  /// To be copied into a shell.
  void shell(std::string_view text) {
    for (const std::string& each : wrapShellLine(text, width_ - 2)) line("  " + each);
  }

  /// `left` in the first column, `right` wrapped in the second.
  void row(std::string_view left, std::string_view right, std::size_t column = kFlagColumn) {
    const auto lines = wrap(right, width_ - column);
    std::string start = fmt::format("  {}", left);
    if (start.size() + 2 > column) {
      const auto choices = wrapChoices(left, width_ - 6);
      for (std::size_t i = 0; i < choices.size(); ++i)
        line(fmt::format("{:{}}{}", "", i == 0 ? 2 : 6, choices[i]));
      start.clear();
    }
    for (const std::string& one : lines) {
      text_ += fmt::format("{:<{}}{}\n", start, column, one);
      start.clear();
    }
    if (lines.empty()) line(start);
  }

  std::string take() { return std::move(text_); }

 private:
  std::size_t width_;
  bool bold_;
  std::string text_;
};

/// Of one command, or with none of all of them.
void exitCodes(Page& page, std::string_view command = {}) {
  // They make runs, or read them.
  constexpr std::array<std::string_view, 4> kOfRuns{"driver", "loader", "lab", "compare"};
  page.heading("Exit codes");
  constexpr std::size_t kColumn = 6;
  page.row("0", "success", kColumn);
  page.row("1", "failed; one line on standard error says what failed and what to do", kColumn);
  if (command.empty() || command == "doctor")
    page.row("", "doctor: something is dangerous", kColumn);
  if (command.empty() || command == "plan")
    page.row("", "plan: there is no such deployment", kColumn);
  page.row("2", "wrong usage", kColumn);
  if (command.empty() || std::ranges::find(kOfRuns, command) != kOfRuns.end())
    page.row("3", "the run finished, but is invalid; the summary says why", kColumn);
  if (command.empty() || command == "compare")
    page.row("4", "compare: a condition of -fail-if holds", kColumn);
}

void flagRow(Page& page, const FlagSpec& flag) {
  const std::string value = placeholder(flag);
  const std::string left =
      value.empty() ? fmt::format("-{}", flag.name) : fmt::format("-{} {}", flag.name, value);
  const std::string notes = valueNotes(flag);
  page.row(left, notes.empty() ? std::string{flag.help} : fmt::format("{} ({})", flag.help, notes));
}

}  // namespace

std::size_t terminalWidth(int fd) {
  constexpr std::size_t kUsual = 80;
  winsize size{};
  return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : kUsual;
}

HelpStyle terminalStyle() {
  if (isatty(STDOUT_FILENO) == 0) return {};
  HelpStyle style;
  style.width = terminalWidth(STDOUT_FILENO);
  const char* const noColour = std::getenv("NO_COLOR");
  style.bold = noColour == nullptr || *noColour == '\0';
  return style;
}

std::string overviewHelp(std::span<const Command> commands, const HelpStyle& style) {
  Page page(style);
  page.heading("redline - load generator and lab for Redis 7, without coordinated omission");
  page.heading("Usage");
  page.line("  redline <command> [flags]");
  page.heading("Commands");
  constexpr std::size_t kColumn = 16;
  for (const Command& command : commands) page.row(command.name, command.summary, kColumn);
  page.heading("A first run");
  page.line("  redline stack up node");
  page.line("  redline loader -keys=1M");
  page.line("  redline driver -keys=1M -rate=20k -duration=30s");
  page.line("  redline stack down node");
  exitCodes(page);
  page.line("");
  page.paragraph(
      "'redline help <command>' explains a command and its flags; README.md gives an overview.", 0);
  return page.take();
}

std::string commandHelp(const Command& command, const HelpStyle& style) {
  Page page(style);
  page.heading(fmt::format("redline {} - {}", command.name, command.summary));
  page.heading("Usage");
  page.paragraph(usageLine(command));
  if (!command.about.empty()) {
    page.line("");
    page.paragraph(command.about);
  }
  for (const PositionalSpec& word : command.positionals)
    if (!word.help.empty()) page.row(word.name, word.help);
  for (const std::string_view group : groupsOf(command)) {
    page.heading(group);
    for (const FlagSpec& flag : command.flags)
      if (flag.group == group) flagRow(page, flag);
  }
  if (!command.examples.empty()) page.heading("Examples");
  for (const Example& example : command.examples) {
    page.shell(example.line);
    page.paragraph(example.meaning, 6);
  }
  exitCodes(page, command.name);
  if (!command.flags.empty()) {
    page.heading("Where flags come from");
    page.paragraph(
        "One dash or two, -flag=value or -flag value; a boolean alone means true. Every flag can "
        "also be set in the environment as REDLINE_<FLAG> (dashes as underscores) and in a TOML "
        "file (-config). Precedence: flag, environment, file, default.");
  }
  if (!command.more.empty()) {
    page.heading("Read more");
    page.paragraph(command.more);
  }
  return page.take();
}

}  // namespace redline
