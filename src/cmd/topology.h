#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"

namespace redline {

/// The flags with -topology as the servers at -addr show it, where it was left empty: the first
/// that answers is a node of a cluster, or not. Where it was given it stays, and the checks before
/// a run hold the servers to it. usage: single servers, and more than one. Nothing but that is
/// asked.
Result<FlagValues> withTopology(const Invocation& invocation);

/// The flags as resolved; an empty -topology (a lab's runs, which know their servers) by its name.
std::vector<std::pair<std::string, std::string>> configOf(const FlagValues& flags);

}  // namespace redline
