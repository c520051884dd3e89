// help, man, completions, version: what redline says of itself.

#include <fmt/format.h>

#include "base/suggest.h"
#include "cmd/commands.h"
#include "cmd/completions.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/manual.h"
#include "cmd/resolve.h"
#include "os/console.h"

namespace redline {
namespace {

/// The sub-command named by the positional `command`; nullptr when none is named.
/// What follows it, as in 'help stack up', must be words that the sub-command knows.
Result<const Command*> namedCommand(const Invocation& invocation) {
  const std::vector<std::string>& typed = invocation.flags.positionalWords();
  if (typed.empty()) return nullptr;
  const std::string& name = typed.front();
  if (const Command* const command = findCommand(name)) {
    const auto known = checkWords(*command, {typed.begin() + 1, typed.end()});
    return known ? Result<const Command*>(command) : fail(known.error());
  }
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view near = closest(name, names);
  return fail(ErrorCode::usage, "there is no command '{}'{}", name,
              near.empty() ? ": see 'redline help'" : fmt::format(": did you mean {}?", near));
}

PositionalSpec commandWords() {
  return {.name = "command",
          .help = "a command, and one of its actions",
          .optional = true,
          .repeated = true};
}

Result<ExitCode> runHelp(const Invocation& invocation) {
  const auto command = namedCommand(invocation);
  if (!command) return fail(command.error());
  const HelpStyle style = terminalStyle();
  writeOut(*command == nullptr ? overviewHelp(commands(), style) : commandHelp(**command, style));
  return ExitCode::good;
}

Result<ExitCode> runMan(const Invocation& invocation) {
  const auto command = namedCommand(invocation);
  if (!command) return fail(command.error());
  writeOut(*command == nullptr ? overviewManual(commands()) : commandManual(**command));
  return ExitCode::good;
}

Result<ExitCode> runCompletions(const Invocation& invocation) {
  const bool bash = invocation.flags.positional("shell") == "bash";
  writeOut(bash ? bashCompletions(commands()) : zshCompletions(commands()));
  return ExitCode::good;
}

Result<ExitCode> runVersion(const Invocation&) {
  printOut("redline {}\n", REDLINE_VERSION);
  return ExitCode::good;
}

}  // namespace

Command helpCommand() {
  Command command;
  command.name = "help";
  command.summary = "explain a command and its flags";
  command.positionals = {commandWords()};
  command.examples = {{"redline help driver", "the driver's flags"},
                      {"redline help stack up", "the same as 'redline help stack'"}};
  command.run = runHelp;
  return command;
}

Command manCommand() {
  Command command;
  command.name = "man";
  command.summary = "print a manual page (roff)";
  command.positionals = {commandWords()};
  command.examples = {{"redline man driver | man -l -", "read the driver's page"}};
  command.run = runMan;
  return command;
}

Command completionsCommand() {
  Command command;
  command.name = "completions";
  command.summary = "print completions for a shell";
  command.positionals = {{.name = "shell", .choices = {"bash", "zsh"}}};
  command.examples = {
      {"source <(redline completions bash)", "in ~/.bashrc"},
      {"redline completions zsh > ~/.zfunc/_redline", "for a directory on the fpath"}};
  command.run = runCompletions;
  return command;
}

Command versionCommand() {
  Command command;
  command.name = "version";
  command.summary = "print redline's version";
  command.run = runVersion;
  return command;
}

}  // namespace redline
