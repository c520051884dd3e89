#include <utility>

#include "transport/epoll.h"
#include "transport/tls_transport.h"
#include "transport/transport.h"
#include "transport/uring.h"

namespace redline {
namespace {

Result<std::unique_ptr<Transport>> makePlain(IoChoice choice) {
  if (choice == IoChoice::epoll) return makeEpollTransport();
  auto ring = makeUringTransport();
  if (ring || choice == IoChoice::uring) return ring;
  return makeEpollTransport();
}

}  // namespace

Result<std::unique_ptr<Transport>> makeTransport(IoChoice choice, const Tls& tls) {
  auto transport = makePlain(choice);
  if (!transport || !tls) return transport;
  return makeTlsTransport(std::move(*transport), tls);
}

}  // namespace redline
