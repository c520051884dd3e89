#pragma once

#include <optional>

#include "base/result.h"
#include "chaos/arguments.h"
#include "chaos/fault.h"
#include "server/admin.h"

namespace redline {

/// The parameter of every fault that is done to one server.
FaultParameter targetParameter();

/// The server that a fault is done to: its -target where it has one and it was given, else the
/// first of -addr. usage: -target is not an address.
Result<Endpoint> targetOf(const FaultSpec& spec, const FaultArguments& arguments,
                          const FaultContext& context);
/// The same for a fault that has a -target.
Result<Endpoint> targetOf(const FaultArguments& arguments, const FaultContext& context);

/// A connection of a fault's own; CLIENT LIST and the slow log call it redline-chaos.
Result<Admin> connectForFault(const Endpoint& endpoint, const FaultContext& context);

/// The server of ours there. unsafe: it is none, and not even -force helps, since the process
/// behind a foreign address is unknown.
Result<const OwnServer*> ownServerAt(const Endpoint& endpoint, const FaultContext& context);

/// With what a killed server is started again: the default user's password, by which its replicas
/// log in too, whoever the fault's user is. refused: that user may not read it.
Result<Credentials> restartCredentials(Admin& admin, const FaultContext& context);

/// How many keys it has; none where the user may not ask.
std::optional<double> keysOf(Admin& admin);

/// Reconnects `admin` if its connection to `endpoint` is lost: between a fault's prepare() and
/// its time another fault may have killed the server and started it again.
Status keepConnected(Admin& admin, const Endpoint& endpoint, const FaultContext& context);

}  // namespace redline
