#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/typed_value.h"

namespace redline {

class FlagValues;

/// One flag. The same entry feeds the parser, help, completions and the manual page.
struct FlagSpec {
  std::string_view name;  ///< without dashes
  ValueKind kind = ValueKind::text;
  std::string_view fallback = {};  ///< the default, as one would type it; empty: none
  std::string_view help = {};      ///< one sentence for people, no full stop
  std::string_view example = {};   ///< a value worth showing
  std::string_view group = {};     ///< the heading in help
  /// The values of a choice; for every other kind, additional words (as `-rate max`).
  std::vector<std::string_view> choices = {};
  bool positive = false;  ///< zero is refused
  /// What is accepted at the least and at the most, as one would type it; empty: no limit.
  std::string_view least = {}, most = {};
  std::string_view whenEmpty = {};  ///< what an empty default means, for help; "required"

  ValueSpec value() const {
    return {kind, choices, positive, least, most, example.empty() ? fallback : example};
  }
};

/// One word after the sub-command: `stack up node`.
struct PositionalSpec {
  std::string_view name;
  std::vector<std::string_view> choices = {};  ///< empty: anything
  std::string_view fallback = {};              ///< empty: it must be given, unless optional
  std::string_view help = {};
  bool optional = false;
  bool repeated =
      false;  ///< the last one may stand any number of times: FlagValues::positionalWords()
  /// Words that completions offer besides the choices; optional.
  std::vector<std::string_view> hints = {};
  std::string_view hintsFrom = {};  ///< a shell's command that prints more of them
  bool paths = false;               ///< files and directories complete it
};

struct Example {
  std::string_view line;
  std::string_view meaning;
};

/// How the program ends (contract, design §4).
enum class ExitCode : int {
  good = 0,
  failed = 1,
  usage = 2,
  invalid = 3,
  conditionHolds = 4,  ///< compare: a condition of -fail-if holds
};

/// One start of a sub-command, its flags resolved.
struct Invocation {
  const FlagValues& flags;
  std::vector<std::string> argv;  ///< the whole command line, for the summary
  std::string password;           ///< REDLINE_PASSWORD; goes to Redis and nowhere else
};

using RunFunction = Result<ExitCode> (*)(const Invocation&);

/// One sub-command. Adding one is one file with this and a line in commands.cc.
struct Command {
  std::string_view name;
  std::string_view summary;  ///< one line
  std::string_view about;    ///< a paragraph for help
  std::vector<PositionalSpec> positionals = {};
  std::vector<FlagSpec> flags = {};
  std::vector<Example> examples = {};
  std::string_view more = {};  ///< which page of docs/ to read
  RunFunction run = nullptr;
};

}  // namespace redline
