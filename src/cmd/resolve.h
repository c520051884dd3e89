#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"

namespace redline {

/// All sources of flags. Nothing else is read, so tests need no process environment.
struct FlagInputs {
  std::vector<std::string> arguments;    ///< after the sub-command's name
  std::vector<std::string> environment;  ///< "NAME=value"
  std::function<Result<std::string>(const std::string& path)> readFile;
};

/// "REDLINE_VALUE_SIZE" for "value-size".
std::string environmentName(std::string_view flag);

/// Whether the first of `words` are choices of the command's positionals where these have any, and
/// no more words stand there than it takes. usage: which is not, with a suggestion.
Status checkWords(const Command& command, std::span<const std::string> words);

/// Every flag of `command`: command line before environment before `-config` file before default.
/// A name that none of `all` knows, wherever it stands, is an error with a suggestion; so are a
/// flag given twice, a missing value and a stray word. Errors have the code `usage`.
Result<FlagValues> resolve(const Command& command, std::span<const Command> all,
                           const FlagInputs& inputs);

}  // namespace redline
