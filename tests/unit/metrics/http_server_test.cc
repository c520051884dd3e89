#include "metrics/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/http_client.h"

namespace redline {
namespace {

using test::HttpConnection;
using test::httpGet;
using test::httpRequest;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<MetricsServer> serve(MetricsServer::Page page, HttpLimits limits = {}) {
  auto server = MetricsServer::start("127.0.0.1", 0, std::move(page), limits);
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

std::string samplePage() {
  return "x 1\n";
}

TEST(MetricsServer, AnswersWithThePageAsItIsNow) {
  std::atomic<int> asked{0};
  const auto server = serve([&asked] { return "up " + std::to_string(++asked) + "\n"; });
  ASSERT_TRUE(server);
  for (const std::string expected : {"up 1\n", "up 2\n"}) {
    const auto reply = httpGet(server->port(), "/metrics");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, expected);
    EXPECT_THAT(reply->head,
                HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  }
}

TEST(MetricsServer, SendsTheBytesUncompressedToWhoeverAcceptsGzip) {
  const auto server = serve([] { return std::string(100'000, 'x').append(1, '\n'); });
  ASSERT_TRUE(server);
  const auto reply = httpGet(server->port(), "/metrics", "Accept-Encoding: gzip, br\r\n");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body.size(), 100'001U);
  EXPECT_THAT(reply->head, Not(HasSubstr("Content-Encoding")));
}

// The library before this one answered a range behind the end with whatever memory was there.
TEST(MetricsServer, AnswersARangeWithTheWholePage) {
  const auto server = serve(samplePage);
  ASSERT_TRUE(server);
  for (const char* const range : {"0-1", "40000-50000", "-5", "3-", "0-18446744073709551615",
                                  "99999999999999999999-", "5-1", "0-1,2-3"}) {
    const auto reply =
        httpGet(server->port(), "/metrics", std::string("Range: bytes=") + range + "\r\n");
    ASSERT_TRUE(reply) << range;
    EXPECT_EQ(reply->status, 200) << range;
    EXPECT_EQ(reply->body, samplePage()) << range;
  }
}

TEST(MetricsServer, KnowsNoOtherPageAndNoOtherMethod) {
  const auto server = serve(samplePage);
  ASSERT_TRUE(server);
  EXPECT_EQ(httpGet(server->port(), "/metrics?now=1")->status, 200);
  EXPECT_EQ(httpGet(server->port(), "/etc/passwd")->status, 404);
  EXPECT_EQ(httpGet(server->port(), "/../../etc/passwd")->status, 404);
  const auto post = httpRequest(server->port(), "POST", "/metrics");
  EXPECT_EQ(post->status, 405);
  EXPECT_THAT(post->head, HasSubstr("Allow: GET\r\n"));
}

TEST(MetricsServer, RefusesWhatIsNotARequest) {
  const auto server = serve(samplePage);
  ASSERT_TRUE(server);
  const auto answer = [&](const std::string& bytes) {
    const HttpConnection connection(server->port());
    EXPECT_TRUE(connection.send(bytes));
    const auto reply = test::parseHttpReply(connection.readToEnd().value_or(""));
    return reply ? reply->status : -1;
  };
  EXPECT_EQ(answer("\x16\x03\x01\x02\r\n\r\n"), 400);  // TLS
  EXPECT_EQ(answer("*1\r\n$4\r\nPING\r\n\r\n"), 400);
  EXPECT_EQ(answer("GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"), 400);
  EXPECT_EQ(answer("GET /metrics HTTP/1.1\r\nX: " + std::string(1 << 20, 'x')), 431);
  EXPECT_EQ(httpGet(server->port(), "/metrics")->status, 200);
}

TEST(MetricsServer, RefusesAPortInUse) {
  const auto first = serve(samplePage);
  ASSERT_TRUE(first);
  const auto second = MetricsServer::start("127.0.0.1", first->port(), [] { return "y 1\n"; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::io);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST(MetricsServer, TakesOverItsPortFromAServerThatJustEnded) {
  std::uint16_t port = 0;
  {
    const auto first = serve(samplePage);
    ASSERT_TRUE(first);
    port = first->port();
    ASSERT_TRUE(httpGet(port, "/metrics"));
  }
  const auto second = MetricsServer::start("127.0.0.1", port, [] { return "y 1\n"; });
  EXPECT_TRUE(second) << second.error().message;
}

TEST(MetricsServer, RefusesAnAddressOfAnotherMachine) {
  const auto server = MetricsServer::start("192.0.2.1", 9'999, [] { return ""; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::io);
}

TEST(MetricsServer, ServesManyClientsAtATime) {
  const auto server = serve(samplePage);
  ASSERT_TRUE(server);
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        const auto reply = httpGet(server->port(), "/metrics");
        if (reply && reply->body == samplePage()) ++good;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 160);
}

TEST(MetricsServer, DropsAClientThatHasNotSentItsRequestByTheDeadline) {
  const auto server = serve(samplePage, {.deadline = 50 * kMillisecond});
  ASSERT_TRUE(server);
  const HttpConnection silent(server->port()), slow(server->port());
  // Each byte comes well within the deadline; the request as a whole does not.
  while (slow.send("G")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(silent.readToEnd(), "");
}

TEST(MetricsServer, DropsAClientThatDoesNotTakeItsAnswerByTheDeadline) {
  const auto server =
      serve([] { return std::string(64 << 20, 'x'); }, {.deadline = 200 * kMillisecond});
  ASSERT_TRUE(server);
  const HttpConnection lazy(server->port());
  ASSERT_TRUE(lazy.send("GET /metrics HTTP/1.1\r\n\r\n"));
  EXPECT_EQ(httpGet(server->port(), "/")->status, 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  const auto got = lazy.readToEnd();  // what was under way when the connection ended
  ASSERT_TRUE(got);
  EXPECT_LT(got->size(), std::size_t{64 << 20});
}

TEST(MetricsServer, AnswersAndEndsBesideMoreSlowSendersThanItKeeps) {
  constexpr Nanos kNever = 3600 * kSecond;  // only the cap makes room
  auto server = serve(samplePage, {.deadline = kNever, .connections = 16});
  ASSERT_TRUE(server);
  std::vector<std::unique_ptr<HttpConnection>> senders;
  for (int i = 0; i < 100; ++i) {
    senders.push_back(std::make_unique<HttpConnection>(server->port()));
    ASSERT_TRUE(senders.back()->send("GET /metr"));
  }
  for (int i = 0; i < 100; ++i) {
    const auto reply = httpGet(server->port(), "/metrics");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->body, samplePage());
  }
  server.reset();
  for (const auto& sender : senders) EXPECT_EQ(sender->readToEnd(), "");
}

TEST(MetricsServer, OutlivesAPageThatCannotBeMade) {
  std::atomic<int> asked{0};
  const auto server = serve([&asked]() -> std::string {
    if (++asked == 1) throw std::bad_alloc();
    return samplePage();
  });
  ASSERT_TRUE(server);
  EXPECT_EQ(httpGet(server->port(), "/metrics")->status, 503);
  EXPECT_EQ(httpGet(server->port(), "/metrics")->status, 200);
}

}  // namespace
}  // namespace redline
