#pragma once

#include <span>
#include <string>
#include <string_view>

#include "doctor/prices.h"

namespace redline {

/// What to do about a command that took long.
struct CommandRemedy {
  std::string_view commands;  ///< as the slow log names them, in small letters, blanks between
  std::string_view instead;
  const Price* price = nullptr;  ///< what the big-key experiment has of it; null: nothing
};

/// Each command is in one of them.
std::span<const CommandRemedy> allRemedies();
/// Of a command in small letters; of an unknown one, where to look it up.
const CommandRemedy& remedyOf(std::string_view command);

/// "HGETALL: HSCAN in pages of 1000".
std::string remedyText(std::string_view command);

}  // namespace redline
