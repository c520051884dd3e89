#pragma once

#include "base/result.h"
#include "transport/endpoint.h"

namespace redline {

/// Whether load may go where a cluster has sent us. unsafe: that is not on this machine.
inline Status mayReceiveLoad(const Endpoint& endpoint) {
  if (const auto local = isLocal(endpoint); local && *local) return {};
  return fail(
      ErrorCode::unsafe,
      "the cluster sends us to {}, which is not on this machine: redline sends load nowhere "
      "else",
      endpoint.text());
}

}  // namespace redline
