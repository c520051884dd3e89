#include "metrics/http_server.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <thread>
#include <vector>

namespace redline {
namespace {

std::unique_ptr<MetricsServer> serve(MetricsServer::Page page) {
  auto server = MetricsServer::start("127.0.0.1", 0, std::move(page));
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

TEST(MetricsServer, AnswersWithThePageAsItIsNow) {
  std::atomic<int> asked{0};
  const auto server = serve([&asked] { return "up " + std::to_string(++asked) + "\n"; });
  ASSERT_TRUE(server);
  httplib::Client client("127.0.0.1", server->port());
  for (const std::string expected : {"up 1\n", "up 2\n"}) {
    const auto reply = client.Get("/metrics");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    EXPECT_EQ(reply->body, expected);
    EXPECT_EQ(reply->get_header_value("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  }
}

TEST(MetricsServer, SendsTheBytesUncompressedToWhoeverAcceptsGzip) {
  const auto server = serve([] { return std::string(100'000, 'x').append(1, '\n'); });
  ASSERT_TRUE(server);
  httplib::Client client("127.0.0.1", server->port());
  client.set_decompress(false);
  const auto reply = client.Get("/metrics", {{"Accept-Encoding", "gzip, br"}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body.size(), 100'001U);
  EXPECT_FALSE(reply->has_header("Content-Encoding"));
}

TEST(MetricsServer, KnowsNoOtherPageAndNoOtherMethod) {
  const auto server = serve([] { return "x 1\n"; });
  ASSERT_TRUE(server);
  httplib::Client client("127.0.0.1", server->port());
  EXPECT_EQ(client.Get("/etc/passwd")->status, 404);
  EXPECT_EQ(client.Get("/../../etc/passwd")->status, 404);
  EXPECT_EQ(client.Post("/metrics")->status, 404);
}

TEST(MetricsServer, RefusesAPortInUse) {
  const auto first = serve([] { return "x 1\n"; });
  ASSERT_TRUE(first);
  const auto second = MetricsServer::start("127.0.0.1", first->port(), [] { return "y 1\n"; });
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::io);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos) << second.error().message;
}

TEST(MetricsServer, TakesOverItsPortFromAServerThatJustEnded) {
  std::uint16_t port = 0;
  {
    const auto first = serve([] { return "x 1\n"; });
    ASSERT_TRUE(first);
    port = first->port();
    ASSERT_TRUE(httplib::Client("127.0.0.1", port).Get("/metrics"));
  }
  const auto second = MetricsServer::start("127.0.0.1", port, [] { return "y 1\n"; });
  EXPECT_TRUE(second) << second.error().message;
}

TEST(MetricsServer, RefusesAnAddressOfAnotherMachine) {
  const auto server = MetricsServer::start("192.0.2.1", 9'999, [] { return ""; });
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::io);
}

TEST(MetricsServer, ServesMoreClientsThanItHasThreads) {
  const auto server = serve([] { return "x 1\n"; });
  ASSERT_TRUE(server);
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i)
    clients.emplace_back([&] {
      for (int k = 0; k < 20; ++k) {
        httplib::Client client("127.0.0.1", server->port());
        const auto reply = client.Get("/metrics");
        if (reply && reply->body == "x 1\n") ++good;
      }
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 160);
}

}  // namespace
}  // namespace redline
