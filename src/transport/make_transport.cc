#include "transport/epoll.h"
#include "transport/transport.h"
#include "transport/uring.h"

namespace redline {

Result<std::unique_ptr<Transport>> makeTransport(IoChoice choice) {
  if (choice == IoChoice::epoll) return makeEpollTransport();
  auto ring = makeUringTransport();
  if (ring || choice == IoChoice::uring) return ring;
  return makeEpollTransport();
}

}  // namespace redline
