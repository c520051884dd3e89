#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "engine/plan.h"
#include "record/server_sample.h"
#include "server/admin.h"
#include "server/info.h"

namespace redline {

/// A server that load may go to.
struct Target {
  Admin admin;      ///< stays open: readings at a run's edges go through it
  ServerInfo info;  ///< as it was then: server, memory, replication, cluster, keyspace
};

/// Makes sure that a Redis of the right version answers there and lets us in.
Result<Target> connectTarget(const Endpoint& endpoint, const Credentials& credentials,
                             bool anyVersion);

/// Why no server answers there within a second: unreachable, silent or still loading. Empty: a
/// server answers, if only with an error.
std::string whyNotServing(const Endpoint& endpoint, const Credentials& credentials);

/// One reading of INFO's figures, stamped with the moment its reply came (SteadyClock).
Result<ServerSample> readSample(Admin& admin, Nanos timeout = Admin::kDefaultTimeout);

}  // namespace redline
