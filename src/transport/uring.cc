#include "transport/uring.h"

#include <liburing.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <new>
#include <vector>

#include "transport/conn_slots.h"
#include "transport/gate.h"
#include "transport/socket.h"

namespace redline {
namespace {

constexpr unsigned kSubmissions = 4096;
constexpr unsigned kCompletions = 16384;

enum Request : std::uint64_t { kConnect, kSend, kReceive, kWake };
constexpr unsigned kRequestBits = 2;

/// IORING_FEAT_RECVSEND_BUNDLE (6.10), which liburing 2.3 does not name. Such kernels know how much
/// is left in a TCP socket and end a multishot receive without a futile read; older ones
/// would look for a second buffer, find none, and disarm the receive each time.
constexpr unsigned kReceivesKnowTheRest = 1U << 14;

/// A ring of provided buffers that holds one: the space at the end of its connection's inbound
/// bytes. A receive that stays armed takes its buffer from there, so it needs no request, no poll
/// to arm and no poll to take down for each reply, and replies still arrive in one piece.
class ReceiveSlot {
 public:
  /// Registers the slot as group `group`. Not open() where the kernel refuses (RLIMIT_MEMLOCK).
  void open(io_uring& ring, std::uint16_t group) {
    page_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(kPage, kPage)));
    if (page_ == nullptr) throw std::bad_alloc();
    io_uring_buf_ring_init(page_.get());
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(page_.get());
    registration.ring_entries = 1;
    registration.bgid = group;
    if (io_uring_register_buf_ring(&ring, &registration, 0) != 0) page_.reset();
  }
  bool isOpen() const { return page_ != nullptr; }
  void close(io_uring& ring, std::uint16_t group) {
    if (isOpen()) io_uring_unregister_buf_ring(&ring, group);
    page_.reset();
  }
  /// Whether the kernel has a place for the next bytes. Until used() says that it took it, the
  /// place stays where it is.
  bool isOffered() const { return offered_; }
  void offer(std::span<char> space) {
    io_uring_buf_ring_add(page_.get(), space.data(), static_cast<unsigned>(space.size()), 0, 0, 0);
    io_uring_buf_ring_advance(page_.get(), 1);
    offered_ = true;
  }
  void used() { offered_ = false; }

 private:
  static constexpr std::size_t kPage = 4096;
  struct Free {
    void operator()(void* page) const { std::free(page); }
  };
  std::unique_ptr<io_uring_buf_ring, Free> page_;
  bool offered_ = false;
};

struct UringConnection {
  Fd fd;
  PeerAddress address;  // the kernel reads it until the connect completes
  InBuffer in;
  ReceiveSlot slot;      // open where receives stay armed
  OutBuffer out;         // filled by the owner
  OutBuffer flying;      // being sent: the kernel reads it until the send completes
  unsigned pending = 0;  // requests that the kernel still holds
  bool open = false;     // connected, and not reported closed
  bool armed = false;    // a receive that stays armed is
  bool sending = false;
  bool flushAgain = false;  // flush() came while a send was under way
  bool closing = false;     // close() came; the slot is free once nothing is pending
};

class UringTransport final : public Transport {
 public:
  ~UringTransport() override {
    // The ring first: the kernel releases the buffers before they are freed.
    if (ready_) io_uring_queue_exit(&ring_);
  }

  Status init() {
    io_uring_params params{};
    // One thread owns the ring; completions are processed when it asks, never by interrupts;
    // a spinning owner reads the task-run flag with a memory load to see whether there is work.
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                   IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    params.cq_entries = kCompletions;
    const int rc = io_uring_queue_init_params(kSubmissions, &ring_, &params);
    if (rc < 0)
      return fail(ErrorCode::io, "the kernel refuses io_uring: {}; use -io=epoll", errnoText(-rc));
    ready_ = true;
    staysArmed_ = (params.features & kReceivesKnowTheRest) != 0;
    return {};
  }

  Result<ConnId> open(const Endpoint& endpoint) override {
    const auto addresses = admit(endpoint, NameLookup::never);
    if (!addresses) return fail(addresses.error());
    const PeerAddress& address = addresses->front();
    auto fd = makeSocket(address.family(), true);
    if (!fd) return fail(fd.error());
    const ConnId id = connections_.take();
    UringConnection& c = connections_[id];
    c.fd = std::move(*fd);
    c.address = address;
    if (staysArmed_ && address.family() != AF_UNIX &&
        id <= std::numeric_limits<std::uint16_t>::max())
      c.slot.open(ring_, groupOf(id));
    io_uring_sqe* sqe = submission(id);
    io_uring_prep_connect(sqe, c.fd.get(), c.address.get(), c.address.length());
    tag(sqe, id, kConnect);
    return id;
  }

  void close(ConnId id) override {
    UringConnection& c = connections_[id];
    c.closing = true;
    c.open = false;
    ::shutdown(c.fd.get(), SHUT_RDWR);  // makes what the kernel still holds complete
    if (c.pending == 0) release(id);
  }

  InBuffer& inbound(ConnId id) override { return connections_[id].in; }
  OutBuffer& outbound(ConnId id) override { return connections_[id].out; }

  void flush(ConnId id) override {
    UringConnection& c = connections_[id];
    if (c.out.empty()) return;
    if (c.sending || !c.open) {
      c.flushAgain = true;
      return;
    }
    startSend(id);
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    for (const ConnId id : toReceive_) receiveMore(id);
    toReceive_.clear();
    enter(timeout);
    harvest();
    return events_;
  }

  Status watch(const Waker& waker) override {
    wakerFd_ = waker.fd();
    awaitWake();
    return {};
  }

  std::string_view name() const override { return "uring"; }

 private:
  // A read that is there again as soon as it has ended.
  void awaitWake() {
    io_uring_sqe* sqe = freeSubmission();
    io_uring_prep_read(sqe, wakerFd_, &wakes_, sizeof wakes_, 0);
    io_uring_sqe_set_data64(sqe, kWake);
  }

  static std::uint16_t groupOf(ConnId id) { return static_cast<std::uint16_t>(id); }

  void release(ConnId id) {
    connections_[id].slot.close(ring_, groupOf(id));
    connections_.release(id);
  }

  io_uring_sqe* submission(ConnId id) {
    ++connections_[id].pending;
    return freeSubmission();
  }

  io_uring_sqe* freeSubmission() {
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
    UringConnection& c = connections_[id];
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

  // Gives the connection's next bytes a place, and asks for them unless that stays asked for.
  void receiveMore(ConnId id) {
    if (!connections_.holds(id) || !connections_[id].open) return;
    UringConnection& c = connections_[id];
    if (c.slot.isOpen()) {
      if (!c.slot.isOffered()) c.slot.offer(c.in.space());
      if (c.armed) return;
    }
    io_uring_sqe* sqe = submission(id);
    if (c.slot.isOpen()) {
      io_uring_prep_recv_multishot(sqe, c.fd.get(), nullptr, 0, 0);
      sqe->flags |= IOSQE_BUFFER_SELECT;
      sqe->buf_group = groupOf(id);
      c.armed = true;
    } else {
      const std::span<char> space = c.in.space();
      io_uring_prep_recv(sqe, c.fd.get(), space.data(), space.size(), 0);
    }
    // The reply is hardly ever there yet: arm the poll at once instead of a futile read.
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
      if (cqe->user_data == kWake) {
        awaitWake();
        continue;
      }
      complete(static_cast<ConnId>(cqe->user_data >> kRequestBits),
               static_cast<Request>(cqe->user_data & ((1U << kRequestBits) - 1)), *cqe);
    }
    io_uring_cq_advance(&ring_, seen);
  }

  void complete(ConnId id, Request request, const io_uring_cqe& cqe) {
    UringConnection& c = connections_[id];
    const bool last = (cqe.flags & IORING_CQE_F_MORE) == 0;
    if (last) --c.pending;
    if (c.closing) {
      if (c.pending == 0) release(id);
      return;
    }
    switch (request) {
      case kReceive:
        if (last) c.armed = false;
        if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) c.slot.used();
        received(id, cqe.res);
        break;
      case kSend:
        sent(id, cqe.res);
        break;
      case kConnect:
        connected(id, cqe.res);
        break;
      case kWake:
        break;  // of no connection
    }
  }

  void received(ConnId id, int result) {
    UringConnection& c = connections_[id];
    // ENOBUFS: more came than the space offered holds.
    if (result == -EINTR || result == -EAGAIN || result == -ENOBUFS) {
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
    UringConnection& c = connections_[id];
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
    UringConnection& c = connections_[id];
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
    UringConnection& c = connections_[id];
    if (!c.open && !duringConnect) return;  // already reported
    c.open = false;
    events_.push_back({id, TransportEvent::Kind::closed, error});
  }

  io_uring ring_{};
  bool ready_ = false;
  ConnSlots<UringConnection> connections_;
  std::vector<ConnId> toReceive_;
  std::vector<TransportEvent> events_;
  int wakerFd_ = -1;
  std::uint64_t wakes_ = 0;  // the kernel writes it
  bool staysArmed_ = false;  // the kernel supports multishot receives well
};

}  // namespace

Result<std::unique_ptr<Transport>> makeUringTransport() {
  auto transport = std::make_unique<UringTransport>();
  if (auto ready = transport->init(); !ready) return fail(ready.error());
  return transport;
}

}  // namespace redline
