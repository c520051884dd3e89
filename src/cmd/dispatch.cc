#include "cmd/dispatch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string_view>

#include "base/suggest.h"
#include "cmd/commands.h"
#include "cmd/flag_values.h"
#include "cmd/help.h"
#include "cmd/resolve.h"

namespace redline {
namespace {

int exitWith(ExitCode code) {
  return static_cast<int>(code);
}

int report(std::string_view command, const Error& error) {
  const std::string name = command.empty() ? "redline" : fmt::format("redline {}", command);
  fmt::print(stderr, "{}: {}\n", name, error.message);
  return exitWith(error.code == ErrorCode::usage ? ExitCode::usage : ExitCode::failed);
}

Result<std::string> readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::io, "cannot open {}: {}", path, errnoText(errno));
  std::string content{std::istreambuf_iterator<char>{file}, {}};
  // A directory opens well enough and then cannot be read.
  if (file.bad()) return fail(ErrorCode::io, "cannot read {}", path);
  return content;
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

int run(const Command& command, const std::vector<std::string>& argv,
        const std::vector<std::string>& environment) {
  const FlagInputs inputs{{argv.begin() + 2, argv.end()}, environment, readFile};
  const auto flags = resolve(command, commands(), inputs);
  if (!flags) return report(command.name, flags.error());
  if (flags->helpWanted()) {
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
  return command == nullptr ? noSuchCommand(name) : run(*command, argv, environment);
}

}  // namespace redline
