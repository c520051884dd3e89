#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cmd/flag_values.h"
#include "run/target.h"

namespace redline {

/// What -topology is.
struct Topology {
  FlagValues flags;                  ///< all of them, -topology included
  std::optional<Target> answered{};  ///< the server that showed it, for the checks before a run
};

/// The flags with -topology as the servers at -addr show it, where it was left empty: the first
/// that answers is a node of a cluster, or not. Where it was given it stays, nobody is asked, and
/// the checks before a run hold the servers to it. usage: single servers, and more than one.
Result<Topology> withTopology(const FlagValues& flags, const Credentials& credentials);

/// The flags as resolved; an empty -topology (a lab's runs, which know their servers) by its name.
std::vector<std::pair<std::string, std::string>> configOf(const FlagValues& flags);

}  // namespace redline
