#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "engine/load_plan.h"
#include "run/preflight.h"

namespace redline {

/// A key that another program keeps under a name of the data set.
struct ForeignKey {
  std::string server, key;
  std::string type;  ///< "list", "hash" …; never "string", which may be an earlier load's
};

/// Looks for a key that a load would overwrite although it is no earlier load's: exactly on servers
/// that hold few keys, in a sample of the data set's names on others, so that the cost does not
/// grow with the data. None: there is none, or it was not found, or the user may not look.
Result<std::optional<ForeignKey>> findForeignKey(Preflight& servers, const LoadPlan& load);

/// Keys in the one database that loads go to.
std::uint64_t keysInDatabase(const ServerInfo& info);

/// What to say where keys of an earlier, larger data set are on the servers, which would stay
/// beside the new one; empty: none were seen.
std::string earlierKeysText(const Preflight& servers, const LoadPlan& load);

}  // namespace redline
