#include "transport/uring.h"

#include <liburing.h>

#include <cerrno>
#include <vector>

#include "transport/socket.h"

namespace redline {
namespace {

constexpr unsigned kSubmissions = 4096;
constexpr unsigned kCompletions = 16384;

enum Request : std::uint64_t { kConnect, kSend, kReceive };
constexpr unsigned kRequestBits = 2;

struct Connection {
  Fd fd;
  SocketAddress address;  // the kernel reads it until the connect completes
  InBuffer in;
  OutBuffer out;         // filled by the owner
  OutBuffer flying;      // being sent: the kernel reads it until the send completes
  unsigned pending = 0;  // requests that the kernel still holds
  bool open = false;     // connected, and not reported closed
  bool sending = false;
  bool flushAgain = false;  // flush() came while a send was under way
  bool closing = false;     // close() came; the slot is free once nothing is pending
};

class UringTransport final : public Transport {
 public:
  ~UringTransport() override {
    // The ring first: the kernel lets go of the buffers before they are freed.
    if (ready_) io_uring_queue_exit(&ring_);
  }

  Status init() {
    io_uring_params params{};
    // One thread owns the ring; completions are worked off when it asks, never by interrupting it;
    // the task-run flag tells a spinning owner, by a memory load, that there is something to ask
    // for.
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = kCompletions;
    const int rc = io_uring_queue_init_params(kSubmissions, &ring_, &params);
    if (rc < 0)
      return fail(ErrorCode::io, "the kernel refuses io_uring: {}; use -io=epoll", errnoText(-rc));
    ready_ = true;
    return {};
  }

  Result<ConnId> open(const Endpoint& endpoint) override {
    auto address = resolve(endpoint);
    if (!address) return fail(address.error());
    auto fd = makeSocket(address->family(), true);
    if (!fd) return fail(fd.error());
    const ConnId id = takeSlot();
    Connection& c = *connections_[id];
    c.fd = std::move(*fd);
    c.address = *address;
    io_uring_sqe* sqe = submission(id);
    io_uring_prep_connect(sqe, c.fd.get(), c.address.get(), c.address.length);
    tag(sqe, id, kConnect);
    return id;
  }

  void close(ConnId id) override {
    Connection& c = *connections_[id];
    c.closing = true;
    c.open = false;
    ::shutdown(c.fd.get(), SHUT_RDWR);  // makes what the kernel still holds complete
    if (c.pending == 0) release(id);
  }

  InBuffer& inbound(ConnId id) override { return connections_[id]->in; }
  OutBuffer& outbound(ConnId id) override { return connections_[id]->out; }

  void flush(ConnId id) override {
    Connection& c = *connections_[id];
    if (c.out.empty()) return;
    if (c.sending || !c.open) {
      c.flushAgain = true;
      return;
    }
    startSend(id);
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    for (const ConnId id : toReceive_) startReceive(id);
    toReceive_.clear();
    enter(timeout);
    harvest();
    return events_;
  }

  std::string_view name() const override { return "uring"; }

 private:
  ConnId takeSlot() {
    ConnId id;
    if (free_.empty()) {
      id = static_cast<ConnId>(connections_.size());
      connections_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    connections_[id] = std::make_unique<Connection>();
    return id;
  }

  void release(ConnId id) {
    connections_[id].reset();
    free_.push_back(id);
  }

  io_uring_sqe* submission(ConnId id) {
    ++connections_[id]->pending;
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  static void tag(io_uring_sqe* sqe, ConnId id, Request request) {
    io_uring_sqe_set_data64(sqe, (std::uint64_t{id} << kRequestBits) | request);
  }

  void startSend(ConnId id) {
    Connection& c = *connections_[id];
    swap(c.out, c.flying);
    c.out.clear();
    c.sending = true;
    c.flushAgain = false;
    io_uring_sqe* sqe = submission(id);
    const std::string_view bytes = c.flying.view();
    // WAITALL: the kernel itself finishes a short send.
    io_uring_prep_send(sqe, c.fd.get(), bytes.data(), bytes.size(), MSG_WAITALL | MSG_NOSIGNAL);
    tag(sqe, id, kSend);
  }

  void startReceive(ConnId id) {
    if (connections_[id] == nullptr || !connections_[id]->open) return;
    Connection& c = *connections_[id];
    const std::span<char> space = c.in.space();
    io_uring_sqe* sqe = submission(id);
    io_uring_prep_recv(sqe, c.fd.get(), space.data(), space.size(), 0);
    // The reply is hardly ever there yet: arm the poll at once and save a fruitless try.
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    tag(sqe, id, kReceive);
  }

  bool kernelHasWork() const {
    return (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) !=
           0;
  }

  void enter(Nanos timeout) {
    if (timeout == 0) {
      if (io_uring_sq_ready(&ring_) != 0 || kernelHasWork()) io_uring_submit_and_get_events(&ring_);
      return;
    }
    io_uring_cqe* cqe = nullptr;
    if (timeout < 0) {
      io_uring_submit_and_wait(&ring_, 1);
      return;
    }
    __kernel_timespec limit{timeout / kSecond, timeout % kSecond};
    io_uring_submit_and_wait_timeout(&ring_, &cqe, 1, &limit, nullptr);
  }

  void harvest() {
    unsigned head = 0;
    unsigned seen = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      ++seen;
      if (cqe->user_data == LIBURING_UDATA_TIMEOUT) continue;
      complete(static_cast<ConnId>(cqe->user_data >> kRequestBits),
               static_cast<Request>(cqe->user_data & ((1U << kRequestBits) - 1)), cqe->res);
    }
    io_uring_cq_advance(&ring_, seen);
  }

  void complete(ConnId id, Request request, int result) {
    Connection& c = *connections_[id];
    --c.pending;
    if (c.closing) {
      if (c.pending == 0) release(id);
      return;
    }
    switch (request) {
      case kReceive:
        received(id, result);
        break;
      case kSend:
        sent(id, result);
        break;
      case kConnect:
        connected(id, result);
        break;
    }
  }

  void received(ConnId id, int result) {
    Connection& c = *connections_[id];
    if (result == -EINTR || result == -EAGAIN) {
      toReceive_.push_back(id);
      return;
    }
    if (result <= 0) {
      reportClosed(id, -result);
      return;
    }
    c.in.commit(static_cast<std::size_t>(result));
    events_.push_back({id, TransportEvent::Kind::received, 0});
    toReceive_.push_back(id);
  }

  void sent(ConnId id, int result) {
    Connection& c = *connections_[id];
    c.sending = false;
    if (result < 0) {
      reportClosed(id, -result);
      return;
    }
    if (static_cast<std::size_t>(result) < c.flying.view().size()) {
      // Only a broken connection sends short under WAITALL; the receive side reports it.
      return;
    }
    if (c.flushAgain) startSend(id);
  }

  void connected(ConnId id, int result) {
    Connection& c = *connections_[id];
    if (result < 0) {
      reportClosed(id, -result, true);
      return;
    }
    c.open = true;
    events_.push_back({id, TransportEvent::Kind::connected, 0});
    toReceive_.push_back(id);
    if (c.flushAgain) startSend(id);
  }

  void reportClosed(ConnId id, int error, bool duringConnect = false) {
    Connection& c = *connections_[id];
    if (!c.open && !duringConnect) return;  // already reported
    c.open = false;
    events_.push_back({id, TransportEvent::Kind::closed, error});
  }

  io_uring ring_{};
  bool ready_ = false;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<ConnId> free_;
  std::vector<ConnId> toReceive_;
  std::vector<TransportEvent> events_;
};

}  // namespace

Result<std::unique_ptr<Transport>> makeUringTransport() {
  auto transport = std::make_unique<UringTransport>();
  if (auto ready = transport->init(); !ready) return fail(ready.error());
  return transport;
}

}  // namespace redline
