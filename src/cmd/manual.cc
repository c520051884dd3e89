#include "cmd/manual.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cmd/text.h"

namespace redline {
namespace {

/// Text that roff prints as it stands: dashes that can be copied, no accidental requests.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '|') {
      out += "|\\:";  // a list of choices may be wider than the page: it breaks there
    } else {
      if (out.empty() && (c == '.' || c == '\'')) out += "\\&";
      out += c;
    }
  }
  return out;
}

std::string title(std::string_view page) {
  return fmt::format(".TH {} 1 \"\" \"redline {}\" \"redline\"\n", plain(toUpper(page)),
                     REDLINE_VERSION);
}

std::string exitStatus() {
  return ".SH EXIT STATUS\n"
         ".TP\n.B 0\nSuccess.\n"
         ".TP\n.B 1\nFailed; one line on standard error says what failed and what to do. Of\n.B "
         "doctor\nalso: "
         "something is dangerous.\n"
         ".TP\n.B 2\nWrong usage.\n"
         ".TP\n.B 3\nThe run finished, but is invalid; the summary says why.\n"
         ".TP\n.B 4\n.B compare\nalone: a condition of \\-fail\\-if holds.\n";
}

std::string environment() {
  return ".SH ENVIRONMENT\n"
         ".TP\n.B REDLINE_<FLAG>\nThe value of a flag, dashes written as underscores. "
         "The command line overrides it; it overrides the configuration file.\n"
         ".TP\n.B REDLINE_PASSWORD\nThe password for AUTH. It is never a flag.\n"
         ".TP\n.B REDLINE_HOME\nWhere stacks keep their files.\n";
}

std::string flagEntry(const FlagSpec& flag) {
  const std::string value = placeholder(flag);
  std::string text = fmt::format(".TP\n.B \\-{}", plain(flag.name));
  if (!value.empty()) text += fmt::format(" \\fI{}\\fR", plain(value));
  text += fmt::format("\n{}", plain(flag.help));
  const std::string notes = valueNotes(flag);
  if (!notes.empty()) text += fmt::format(" ({})", plain(notes));
  return text + ".\n";
}

}  // namespace

std::string overviewManual(std::span<const Command> commands) {
  std::string text = title("redline");
  text += ".SH NAME\nredline \\- load generator and lab for Redis 7\n";
  text += ".SH SYNOPSIS\n.B redline\n.I command\n[\\fIflags\\fR]\n.SH COMMANDS\n";
  for (const Command& command : commands)
    text += fmt::format(".TP\n.B {}\n{}.\n", plain(command.name), plain(command.summary));
  text += environment() + exitStatus();
  return text + ".SH SEE ALSO\n\\fBredline man\\fR \\fIcommand\\fR prints the page of a command.\n";
}

std::string commandManual(const Command& command) {
  std::string text = title(fmt::format("redline-{}", command.name));
  text +=
      fmt::format(".SH NAME\nredline\\-{} \\- {}\n", plain(command.name), plain(command.summary));
  text += fmt::format(".SH SYNOPSIS\n{}\n", plain(usageLine(command)));
  if (!command.about.empty()) text += fmt::format(".SH DESCRIPTION\n{}\n", plain(command.about));
  for (const std::string_view group : groupsOf(command)) {
    text += fmt::format(".SH {}\n", plain(toUpper(group)));
    for (const FlagSpec& flag : command.flags)
      if (flag.group == group) text += flagEntry(flag);
  }
  if (!command.examples.empty()) text += ".SH EXAMPLES\n";
  for (const Example& example : command.examples)
    text += fmt::format(".TP\n.B {}\n{}\n", plain(example.line), plain(example.meaning));
  text += environment() + exitStatus() + ".SH SEE ALSO\n.BR redline (1)\n";
  return text;
}

}  // namespace redline
