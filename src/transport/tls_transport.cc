#include "transport/tls_transport.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "transport/tls_session.h"

namespace redline {
namespace {

using Kind = TransportEvent::Kind;
using State = TlsSession::State;

class TlsTransport final : public Transport {
 public:
  TlsTransport(std::unique_ptr<Transport> carrier, Tls tls)
      : carrier_(std::move(carrier)), tls_(std::move(tls)) {}

  Result<ConnId> open(const Endpoint& endpoint) override {
    const auto id = carrier_->open(endpoint);
    if (!id) return id;
    if (*id >= connections_.size()) connections_.resize(*id + 1);
    if (endpoint.isUnix())
      connections_[*id].reset();
    else
      connections_[*id] = std::make_unique<Connection>(*tls_, endpoint.host);
    return id;
  }

  void close(ConnId id) override {
    connections_[id].reset();
    carrier_->close(id);
  }

  InBuffer& inbound(ConnId id) override {
    return connections_[id] ? connections_[id]->in : carrier_->inbound(id);
  }
  OutBuffer& outbound(ConnId id) override {
    return connections_[id] ? connections_[id]->out : carrier_->outbound(id);
  }

  void flush(ConnId id) override {
    if (Connection* const tls = connections_[id].get()) {
      tls->session.write(tls->out.view());
      tls->out.clear();
      // Before it is connected, the carrier has nowhere to send to.
      if (tls->session.state() == State::greeting) return;
      tls->session.take(carrier_->outbound(id));
    }
    carrier_->flush(id);
  }

  std::span<const TransportEvent> wait(Nanos timeout) override {
    events_.clear();
    for (const TransportEvent& event : carrier_->wait(timeout)) {
      Connection* const tls = connections_[event.conn].get();
      if (tls == nullptr)
        events_.push_back(event);
      else if (!tls->over)
        handle(event, *tls);
    }
    return events_;
  }

  Status watch(const Waker& waker) override { return carrier_->watch(waker); }
  std::string_view name() const override { return carrier_->name(); }

 private:
  struct Connection {
    Connection(const TlsContext& context, const std::string& host) : session(context, host) {}
    TlsSession session;
    InBuffer in;
    OutBuffer out;
    bool over = false;  // its `closed` was reported
  };

  void handle(const TransportEvent& event, Connection& tls) {
    if (event.kind == Kind::closed) return report(event.conn, tls, event.error);
    if (event.kind == Kind::received) receive(event.conn, tls);
    tls.session.take(carrier_->outbound(event.conn));
    carrier_->flush(event.conn);
  }

  void receive(ConnId id, Connection& tls) {
    InBuffer& cipher = carrier_->inbound(id);
    const bool greeting = tls.session.state() == State::greeting;
    const std::size_t before = tls.in.readable().size();
    const std::string_view bytes = cipher.readable();
    tls.session.receive(bytes, tls.in);
    cipher.consume(bytes.size());
    const State now = tls.session.state();
    if (greeting && now != State::greeting && now != State::failed)
      events_.push_back({id, Kind::connected, 0});
    if (tls.in.readable().size() != before) events_.push_back({id, Kind::received, 0});
    if (now == State::ended) report(id, tls, 0);
    if (now == State::failed) report(id, tls, EPROTO);
  }

  void report(ConnId id, Connection& tls, int error) {
    tls.over = true;
    events_.push_back({id, Kind::closed, error});
  }

  std::unique_ptr<Transport> carrier_;
  Tls tls_;
  std::vector<std::unique_ptr<Connection>> connections_;  // by number; null: not encrypted
  std::vector<TransportEvent> events_;
};

}  // namespace

std::unique_ptr<Transport> makeTlsTransport(std::unique_ptr<Transport> carrier, Tls tls) {
  return std::make_unique<TlsTransport>(std::move(carrier), std::move(tls));
}

}  // namespace redline
