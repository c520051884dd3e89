// TLS without sockets: a client's session and transport against the server's side of OpenSSL, all
// in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/files.h"
#include "support/temporary_directory.h"
#include "transport/certificates.h"
#include "transport/tls.h"
#include "transport/tls_session.h"
#include "transport/tls_transport.h"

namespace redline {
namespace {

using testing::HasSubstr;
using State = TlsSession::State;

/// The server's side of a connection.
class TlsServer {
 public:
  explicit TlsServer(const Certificates& files, const std::string& clientCa = {})
      : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), session_(nullptr, &SSL_free) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_.get(), files.cert.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_.get(), files.key.c_str(), SSL_FILETYPE_PEM), 1);
    if (!clientCa.empty()) {
      SSL_CTX_load_verify_locations(context_.get(), clientCa.c_str(), nullptr);
      SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
    }
    session_.reset(SSL_new(context_.get()));
    SSL_set_bio(session_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(session_.get());
  }

  /// Takes what the client has sent; returns what it is answered.
  std::string answer(std::string_view bytes) {
    if (!bytes.empty())
      BIO_write(SSL_get_rbio(session_.get()), bytes.data(), static_cast<int>(bytes.size()));
    char plain[4096];
    for (;;) {
      ERR_clear_error();
      const int got = SSL_read(session_.get(), plain, sizeof plain);
      if (got <= 0) break;
      heard.append(plain, static_cast<std::size_t>(got));
    }
    if (!toSay.empty() && SSL_is_init_finished(session_.get()) == 1) {
      SSL_write(session_.get(), toSay.data(), static_cast<int>(toSay.size()));
      toSay.clear();
    }
    if (toClose) SSL_shutdown(session_.get());
    std::string out(BIO_ctrl_pending(SSL_get_wbio(session_.get())), '\0');
    if (!out.empty())
      BIO_read(SSL_get_wbio(session_.get()), out.data(), static_cast<int>(out.size()));
    return out;
  }

  std::string heard;  ///< plain text
  std::string toSay;  ///< said when the handshake is over
  bool toClose = false;

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> session_;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = makeCertificates(directory.path());
    ASSERT_TRUE(made) << made.error().message;
    files = *made;
  }

  Tls context(TlsOptions options) {
    auto made = TlsContext::make(options);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : nullptr;
  }
  Tls trusting() {
    TlsOptions options;
    options.ca = files.ca;
    return context(options);
  }

  /// Carries bytes between both, `atATime` of them, until nothing moves.
  static void exchange(TlsSession& client, TlsServer& server, InBuffer& plain,
                       std::size_t atATime = 1 << 20) {
    for (bool moved = true; moved;) {
      OutBuffer out;
      client.take(out);
      std::string back;
      for (std::string_view rest = out.view(); !rest.empty();) {
        const auto piece = rest.substr(0, atATime);
        back += server.answer(piece);
        rest.remove_prefix(piece.size());
      }
      back += server.answer({});
      for (std::string_view rest = back; !rest.empty();) {
        const auto piece = rest.substr(0, atATime);
        client.receive(piece, plain);
        rest.remove_prefix(piece.size());
      }
      moved = !out.empty() || !back.empty();
    }
  }

  TemporaryDirectory directory;
  Certificates files;
};

TEST_F(TlsTest, CarriesBytesBothWaysHoweverTheyAreCut) {
  for (const std::size_t atATime : {std::size_t{1}, std::size_t{7}, std::size_t{1 << 20}}) {
    const Tls tls = trusting();
    TlsSession client(*tls, "127.0.0.1");
    TlsServer server(files);
    InBuffer plain;
    client.write("before the handshake is over;");
    server.toSay = std::string(40'000, 's');
    exchange(client, server, plain, atATime);
    ASSERT_EQ(client.state(), State::open) << client.problem();
    client.write(" after it");
    exchange(client, server, plain, atATime);
    EXPECT_EQ(server.heard, "before the handshake is over; after it");
    EXPECT_EQ(plain.readable(), std::string(40'000, 's'));
    server.toClose = true;
    exchange(client, server, plain, atATime);
    EXPECT_EQ(client.state(), State::ended);
  }
}

TEST_F(TlsTest, TrustsOnlyWhatItShouldAndSaysWhatToDo) {
  const auto problemOf = [this](const Tls& tls, const std::string& host) {
    TlsSession client(*tls, host);
    TlsServer server(files);
    InBuffer plain;
    exchange(client, server, plain);
    return client.state() == State::open ? "" : client.problem();
  };
  EXPECT_EQ(problemOf(trusting(), "127.0.0.1"), "");
  EXPECT_EQ(problemOf(trusting(), "localhost"), "");
  EXPECT_THAT(problemOf(trusting(), "127.0.0.2"), HasSubstr("-tls-sni"));
  EXPECT_THAT(problemOf(trusting(), "cache.example"), HasSubstr("-tls-sni"));
  EXPECT_THAT(problemOf(context({}), "127.0.0.1"), HasSubstr("-tls-ca"));
  TlsOptions named;
  named.ca = files.ca;
  named.name = "localhost";
  EXPECT_EQ(problemOf(context(named), "127.0.0.2"), "");
  TlsOptions insecure;
  insecure.insecure = true;
  EXPECT_EQ(problemOf(context(insecure), "cache.example"), "");
}

TEST_F(TlsTest, ShowsItsCertificateToServersThatAskForOne) {
  TlsOptions options;
  options.ca = files.ca;
  options.cert = files.cert;
  options.key = files.key;
  for (const bool shown : {false, true}) {
    const Tls tls = shown ? context(options) : trusting();
    TlsSession client(*tls, "127.0.0.1");
    TlsServer server(files, files.ca);
    InBuffer plain;
    exchange(client, server, plain);
    EXPECT_EQ(client.state(), shown ? State::open : State::failed);
    if (!shown) {
      EXPECT_THAT(client.problem(), HasSubstr("-tls-cert"));
    }
  }
}

TEST_F(TlsTest, KnowsAServerThatDoesNotSpeakTls) {
  for (const char* const said : {"-ERR unknown command\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"}) {
    const Tls tls = trusting();
    TlsSession client(*tls, "127.0.0.1");
    InBuffer plain;
    client.receive(said, plain);
    EXPECT_EQ(client.state(), State::failed);
    EXPECT_THAT(client.problem(), HasSubstr("does not speak TLS"));
    client.write("nowhere to go");
    client.receive("more", plain);
    EXPECT_TRUE(plain.readable().empty());
  }
}

TEST_F(TlsTest, RefusesFilesThatAreNotWhatTheyShouldBe) {
  const auto messageOf = [](const TlsOptions& options) {
    const auto made = TlsContext::make(options);
    if (made) return std::string();
    EXPECT_EQ(made.error().code, ErrorCode::usage);
    return made.error().message;
  };
  const std::string text = directory.path() / "text";
  ASSERT_TRUE(writeWholeFile(text, "no PEM\n"));
  TlsOptions options;
  options.ca = "/nowhere/ca.crt";
  EXPECT_THAT(messageOf(options), HasSubstr("-tls-ca=/nowhere/ca.crt"));
  options.ca = text;
  EXPECT_THAT(messageOf(options), HasSubstr("-tls-ca"));
  options.ca = files.ca;
  options.cert = files.cert;
  EXPECT_THAT(messageOf(options), HasSubstr("-tls-key"));
  options.key = text;
  EXPECT_THAT(messageOf(options), HasSubstr("-tls-key"));
  options.key = files.key;
  options.cert = files.ca;  // another one's
  EXPECT_THAT(messageOf(options), HasSubstr("-tls-key"));
  options.cert = files.cert;
  EXPECT_EQ(messageOf(options), "");
}

/// Connections whose peers are the test.
class HeldTransport final : public Transport {
 public:
  Result<ConnId> open(const Endpoint&) override {
    connections[next] = {};
    return next++;
  }
  void close(ConnId id) override { connections.erase(id); }
  InBuffer& inbound(ConnId id) override { return connections.at(id).in; }
  OutBuffer& outbound(ConnId id) override { return connections.at(id).out; }
  void flush(ConnId id) override {
    Connection& connection = connections.at(id);
    connection.sent += connection.out.view();
    connection.out.clear();
  }
  std::span<const TransportEvent> wait(Nanos) override {
    given.swap(due);
    due.clear();
    return given;
  }
  std::string_view name() const override { return "held"; }
  Status watch(const Waker&) override { return {}; }

  void deliver(ConnId id, std::string_view bytes) {
    if (bytes.empty()) return;
    InBuffer& in = connections.at(id).in;
    const std::span<char> space = in.space(bytes.size());
    std::ranges::copy(bytes, space.begin());
    in.commit(bytes.size());
    due.push_back({id, TransportEvent::Kind::received, 0});
  }

  struct Connection {
    InBuffer in;
    OutBuffer out;
    std::string sent;
  };
  std::map<ConnId, Connection> connections;
  std::vector<TransportEvent> due, given;
  ConnId next = 0;
};

class TlsTransportTest : public TlsTest {
 protected:
  void SetUp() override {
    TlsTest::SetUp();
    auto carrier = std::make_unique<HeldTransport>();
    held = carrier.get();
    transport = makeTlsTransport(std::move(carrier), trusting());
  }

  /// Events until nothing moves between the connection and `server`.
  std::vector<TransportEvent> settle(ConnId id, TlsServer& server) {
    std::vector<TransportEvent> seen;
    for (bool moved = true; moved;) {
      const std::string sent = std::exchange(held->connections.at(id).sent, {});
      const std::string back = server.answer(sent);
      held->deliver(id, back);
      const auto events = transport->wait(0);
      seen.insert(seen.end(), events.begin(), events.end());
      moved = !sent.empty() || !back.empty() || !events.empty();
    }
    return seen;
  }

  static std::vector<TransportEvent::Kind> kinds(const std::vector<TransportEvent>& events) {
    std::vector<TransportEvent::Kind> all;
    for (const TransportEvent& event : events) all.push_back(event.kind);
    return all;
  }

  HeldTransport* held = nullptr;
  std::unique_ptr<Transport> transport;
};

using Kind = TransportEvent::Kind;

TEST_F(TlsTransportTest, IsConnectedWhenTheHandshakeIsOver) {
  const ConnId id = transport->open({"127.0.0.1", 1, {}}).value();
  transport->outbound(id).append("PING\r\n");
  transport->flush(id);
  EXPECT_TRUE(held->connections.at(id).sent.empty()) << "it is not connected yet";
  held->due.push_back({id, Kind::connected, 0});
  EXPECT_TRUE(transport->wait(0).empty());
  TlsServer server(files);
  EXPECT_EQ(kinds(settle(id, server)), std::vector{Kind::connected});
  EXPECT_EQ(server.heard, "PING\r\n");
  server.toSay = "+PONG\r\n";
  EXPECT_EQ(kinds(settle(id, server)), std::vector{Kind::received});
  EXPECT_EQ(transport->inbound(id).readable(), "+PONG\r\n");
  transport->outbound(id).append("GET a\r\n");
  transport->flush(id);
  EXPECT_FALSE(held->connections.at(id).sent.empty());
  settle(id, server);
  EXPECT_EQ(server.heard, "PING\r\nGET a\r\n");
}

TEST_F(TlsTransportTest, ReportsAFailedHandshakeOnceAndNothingAfterIt) {
  const ConnId id = transport->open({"127.0.0.2", 1, {}}).value();
  held->due.push_back({id, Kind::connected, 0});
  transport->wait(0);
  TlsServer server(files);
  const auto events = settle(id, server);
  ASSERT_EQ(kinds(events), std::vector{Kind::closed});
  EXPECT_EQ(events.front().error, EPROTO);
  held->due.push_back({id, Kind::closed, 0});
  EXPECT_TRUE(transport->wait(0).empty());
  transport->close(id);
}

TEST_F(TlsTransportTest, SaysThatThePeerHasGone) {
  const ConnId id = transport->open({"127.0.0.1", 1, {}}).value();
  held->due.push_back({id, Kind::connected, 0});
  transport->wait(0);
  TlsServer server(files);
  settle(id, server);
  server.toClose = true;
  server.toSay = "bye";
  EXPECT_EQ(kinds(settle(id, server)), (std::vector{Kind::received, Kind::closed}));
  EXPECT_EQ(transport->inbound(id).readable(), "bye");
}

TEST_F(TlsTransportTest, LeavesUnixSocketsPlain) {
  const ConnId id = transport->open({{}, 0, "/run/redis.sock"}).value();
  transport->outbound(id).append("PING\r\n");
  transport->flush(id);
  EXPECT_EQ(held->connections.at(id).sent, "PING\r\n");
  held->deliver(id, "+PONG\r\n");
  EXPECT_EQ(transport->wait(0).size(), 1);
  EXPECT_EQ(transport->inbound(id).readable(), "+PONG\r\n");
}

}  // namespace
}  // namespace redline
