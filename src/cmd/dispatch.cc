#include "cmd/dispatch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "base/suggest.h"
#include "cmd/commands.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/resolve.h"
#include "cmd/text.h"
#include "os/files.h"

namespace redline {
namespace {

int exitWith(ExitCode code) {
  return static_cast<int>(code);
}

int report(std::string_view command, const Error& error) {
  const std::string name = command.empty() ? "redline" : fmt::format("redline {}", command);
  const std::string text = fmt::format("{}: {}", name, error.message);
  // One line; in colour on a terminal.
  const std::size_t width =
      isatty(STDERR_FILENO) == 1 ? terminalWidth(STDERR_FILENO) - 2 : text.size();
  fmt::print(stderr, "{}\n", fmt::join(wrap(text, width), "\n  "));
  return exitWith(error.code == ErrorCode::usage ? ExitCode::usage : ExitCode::failed);
}

std::string passwordOf(const std::vector<std::string>& environment) {
  constexpr std::string_view kName = "REDLINE_PASSWORD=";
  const auto found = std::ranges::find_if(
      environment, [&](const std::string& setting) { return setting.starts_with(kName); });
  return found == environment.end() ? std::string{} : found->substr(kName.size());
}

int noSuchCommand(std::string_view typed) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) names.push_back(command.name);
  const std::string_view near = closest(typed, names);
  return report(
      "",
      Error{ErrorCode::usage,
            near.empty() ? fmt::format("there is no command '{}': see 'redline help'", typed)
                         : fmt::format("there is no command '{}': did you mean {}?", typed, near)});
}

int runCommand(const Command& command, const std::vector<std::string>& argv,
               const std::vector<std::string>& environment) {
  const FlagInputs inputs{{argv.begin() + 2, argv.end()}, environment, [](const std::string& path) {
                            return readWholeFile(path);
                          }};
  const auto flags = resolve(command, commands(), inputs);
  if (!flags) return report(command.name, flags.error());
  if (flags->helpRequested()) {
    fmt::print("{}", commandHelp(command, terminalStyle()));
    return exitWith(ExitCode::good);
  }
  const auto code = command.run(Invocation{*flags, argv, passwordOf(environment)});
  return code ? exitWith(*code) : report(command.name, code.error());
}

}  // namespace

int dispatch(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  if (argv.size() < 2) {
    fmt::print("{}", overviewHelp(commands(), terminalStyle()));
    return exitWith(ExitCode::good);
  }
  std::string_view name = argv[1];
  if (name == "-h" || name == "-help" || name == "--help") name = "help";
  if (name == "-version" || name == "--version") name = "version";
  const Command* const command = findCommand(name);
  return command == nullptr ? noSuchCommand(name) : runCommand(*command, argv, environment);
}

}  // namespace redline
