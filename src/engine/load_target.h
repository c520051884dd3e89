#pragma once

#include "base/result.h"
#include "transport/endpoint.h"

namespace redline {

/// Whether load may go to a node that a cluster names. unsafe: it is not on this machine.
inline Status mayReceiveLoad(const Endpoint& endpoint) {
  if (const auto local = isLocal(endpoint); local && *local) return {};
  return fail(
      ErrorCode::unsafe,
      "the cluster redirects to {}, which is not on this machine: redline loads only local servers",
      endpoint.text());
}

}  // namespace redline
