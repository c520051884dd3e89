#pragma once

#include <memory>

#include "transport/tls.h"
#include "transport/transport.h"

namespace redline {

/// TLS over another transport. `connected` comes when the handshake is over; a handshake that
/// fails, or bytes that are not TLS, are `closed` with EPROTO. Unix sockets stay plain, as Redis's
/// are.
std::unique_ptr<Transport> makeTlsTransport(std::unique_ptr<Transport> carrier, Tls tls);

}  // namespace redline
