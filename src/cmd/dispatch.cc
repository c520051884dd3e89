#include "cmd/dispatch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "base/suggest.h"
#include "base/text.h"
#include "base/toml_nesting.h"
#include "cmd/commands.h"
#include "cmd/flag_values.h"
#include "cmd/heal_advice.h"
#include "cmd/help.h"
#include "cmd/resolve.h"
#include "cmd/text.h"
#include "os/console.h"
#include "os/files.h"
#include "transport/endpoint.h"
#include "transport/gate.h"

namespace redline {
namespace {

int exitWith(ExitCode code) {
  return static_cast<int>(code);
}

int report(std::string_view command, const Error& error) {
  const std::string name = command.empty() ? "redline" : fmt::format("redline {}", command);
  constexpr std::size_t kLongest = 10'000;
  const std::string text = printable(
      withoutPassword(fmt::format("{}: {}", name, withHealAdvice(error.message))), kLongest);
  // One line; in colour on a terminal.
  const std::size_t width =
      isatty(STDERR_FILENO) == 1 ? terminalWidth(STDERR_FILENO) - 2 : text.size();
  printErr("{}\n", fmt::join(wrap(text, width), "\n  "));
  return exitWith(error.code == ErrorCode::usage ? ExitCode::usage : ExitCode::failed);
}

/// The environment's, or else that of a URL in -addr.
std::string passwordOf(const FlagValues& flags, const std::vector<std::string>& environment) {
  constexpr std::string_view kName = "REDLINE_PASSWORD=";
  const auto found = std::ranges::find_if(
      environment, [&](const std::string& setting) { return setting.starts_with(kName); });
  if (found != environment.end()) return found->substr(kName.size());
  return flags.has("addr") ? flags.at("addr").password : std::string{};
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

/// -allow, where the command has it: from here on connections may go there.
Status openGate(const Command& command, const FlagValues& flags) {
  constexpr std::string_view kFlag = "allow";
  if (std::ranges::find(command.flags, kFlag, &FlagSpec::name) == command.flags.end()) return {};
  if (flags.empty(kFlag)) return {};
  auto list = AllowList::parse(flags.text(kFlag));
  if (!list) return fail(std::move(list.error()));
  if (auto known = list->lookUpNames(); !known) return known;
  allowMachines(std::move(*list));
  return {};
}

/// The program so that it is found from any directory: one without a slash is, by PATH.
std::string fromAnywhere(const std::string& program) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(program, error).lexically_normal();
  return program.find('/') == std::string::npos || error ? program : whole.string();
}

int runCommand(const Command& command, const std::vector<std::string>& argv,
               const std::vector<std::string>& environment) {
  const FlagInputs inputs{{argv.begin() + 2, argv.end()}, environment, [](const std::string& path) {
                            return readWholeFile(path, kMostTomlBytes);
                          }};
  const auto flags = resolve(command, commands(), inputs);
  if (!flags) return report(command.name, flags.error());
  if (flags->helpRequested()) {
    writeOut(commandHelp(command, terminalStyle()));
    return exitWith(ExitCode::good);
  }
  if (const auto open = openGate(command, *flags); !open) return report(command.name, open.error());
  if (flags->has("json") && flags->is("json", "-")) keepStandardOutputForData();
  std::vector<std::string> words;  // they go into files
  std::ranges::transform(argv, std::back_inserter(words), withoutPassword);
  words[0] = fromAnywhere(words[0]);
  const auto code =
      command.run(Invocation{*flags, std::move(words), passwordOf(*flags, environment)});
  return code ? exitWith(*code) : report(command.name, code.error());
}

/// A result that nobody got is a failure, whatever its verdict, and is said whatever the code is: a
/// code that has a meaning, such as doctor's 1, would else be taken for the verdict. Nothing is
/// said where the reader has gone.
int checkResultsWritten(int code, std::string_view command) {
  const Status written = resultsWritten();
  if (written) return code;
  if (written.error().code != ErrorCode::unreachable) report(command, written.error());
  return code == exitWith(ExitCode::usage) ? code : exitWith(ExitCode::failed);
}

}  // namespace

int dispatch(const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
  if (argv.size() < 2) {
    writeOut(overviewHelp(commands(), terminalStyle()));
    return checkResultsWritten(exitWith(ExitCode::good), "");
  }
  std::string_view name = argv[1];
  if (name == "-h" || name == "-help" || name == "--help") name = "help";
  if (name == "-version" || name == "--version") name = "version";
  const Command* const command = findCommand(name);
  if (command == nullptr) return noSuchCommand(name);
  return checkResultsWritten(runCommand(*command, argv, environment), command->name);
}

}  // namespace redline
