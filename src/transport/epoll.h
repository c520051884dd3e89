#pragma once

#include <memory>

#include "transport/transport.h"

namespace redline {

/// The transport that every Linux has: readiness by epoll, one recv and one send a connection a
/// pass.
Result<std::unique_ptr<Transport>> makeEpollTransport();

}  // namespace redline
