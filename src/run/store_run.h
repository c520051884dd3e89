#pragma once

#include <memory>
#include <span>

#include "base/result.h"
#include "engine/plan.h"
#include "pg/pg_store.h"
#include "server/own_servers.h"

namespace redline {

/// Connects to the store behind the cache that the plan asks for, and checks that its table is that
/// of the data set. The rows of the plan's ledger get version 0, whatever earlier runs wrote.
/// `own`: where the stack of `server` is found, unless the plan names an address. `force`: another
/// table than the flags describe is good enough. Null: the plan asks for none.
Result<std::unique_ptr<PgStore>> openStore(const EnginePlan& plan, std::span<const OwnServer> own,
                                           const Endpoint& server, bool force);

}  // namespace redline
