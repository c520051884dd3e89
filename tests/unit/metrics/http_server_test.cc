#include "metrics/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "metrics/page_files.h"
#include "support/http_client.h"

namespace redline {
namespace {

using test::HttpConnection;
using test::httpGet;
using test::httpRequest;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<MetricsServer> serve(Site site, HttpLimits limits = {}) {
  auto server = MetricsServer::start("127.0.0.1", 0, std::move(site), limits);
  EXPECT_TRUE(server) << server.error().message;
  return server ? std::move(*server) : nullptr;
}

std::unique_ptr<MetricsServer> serve(std::function<std::string()> metrics, HttpLimits limits = {}) {
  return serve({.files = {{"/", {"text/html", "<p>"}}}, .metrics = std::move(metrics)}, limits);
}

Result<std::unique_ptr<MetricsServer>> serveAt(const std::string& host, std::uint16_t port) {
  return MetricsServer::start(host, port, {.metrics = [] { return "y 1\n"; }});
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
  EXPECT_EQ(httpGet(server->port(), "/events")->status, 404) << "there is no feed";
  EXPECT_EQ(httpGet(server->port(), "/etc/passwd")->status, 404);
  EXPECT_EQ(httpGet(server->port(), "/../../etc/passwd")->status, 404);
  const auto post = httpRequest(server->port(), "POST", "/metrics");
  EXPECT_EQ(post->status, 405);
  EXPECT_THAT(post->head, HasSubstr("Allow: GET\r\n"));
  const auto head = httpRequest(server->port(), "HEAD", "/metrics");
  EXPECT_EQ(head->status, 405);
  EXPECT_EQ(head->body, "");
}

TEST(MetricsServer, OnLoopbackAnswersToNoOthersName) {
  const ManualClock clock;
  const EventFeed feed("f", clock);
  const auto server = serve({.files = {{"/", {"text/html", "<p>"}}},
                             .metrics = samplePage,
                             .feed = &feed,
                             .host = "myhost"});
  ASSERT_TRUE(server);
  const auto status = [&](std::string_view path, const std::string& host) {
    const auto reply = httpGet(server->port(), path, "Host: " + host + "\r\n");
    return reply ? reply->status : -1;
  };
  for (const char* const host : {"localhost", "LocalHost:9121", "127.0.0.1", "127.0.0.1:9121",
                                 "[::1]", "[::1]:9121", "10.0.0.7:80", "myhost:9121", ""})
    EXPECT_EQ(status("/metrics", host), 200) << host;
  EXPECT_EQ(httpGet(server->port(), "/metrics")->status, 200) << "without a Host";
  for (const char* const host :
       {"evil.example", "evil.example:9121", "127.0.0.1.evil.example", "localhost.evil.example",
        "[evil]:80", "[", "1.2.3.4.5", "[::1].evil.example", "localhost\r\nHost: evil.example"})
    for (const char* const path : {"/", "/metrics", "/events", "/nothing"})
      EXPECT_EQ(status(path, host), 403) << path << " of " << host;
  const auto elsewhere = serve(samplePage);  // listens for others too, by whatever name
  EXPECT_EQ(httpGet(elsewhere->port(), "/metrics", "Host: lab.example\r\n")->status, 200);
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
  const auto second = serveAt("127.0.0.1", first->port());
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
  const auto second = serveAt("127.0.0.1", port);
  EXPECT_TRUE(second) << second.error().message;
}

TEST(MetricsServer, RefusesAnAddressOfAnotherMachine) {
  const auto server = serveAt("192.0.2.1", 9'999);
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

TEST(MetricsServer, GivesThePageToNobodyElsesPage) {
  const auto server = serve(samplePage);
  ASSERT_TRUE(server);
  const auto reply = httpGet(server->port(), "/");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "<p>");
  EXPECT_THAT(reply->head, HasSubstr("Content-Type: text/html\r\n"));
  EXPECT_THAT(reply->head, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(reply->head, Not(HasSubstr("Access-Control")));
}

TEST(MetricsServer, HasAllFilesThatThePageAsksFor) {
  const auto server = serve({.files = pageFiles(), .metrics = samplePage});
  ASSERT_TRUE(server);
  std::size_t asked = 0;
  for (const auto& [path, file] : pageFiles()) {
    if (path == "/" || path.ends_with(".txt")) continue;
    const bool isNamed = std::ranges::any_of(pageFiles(), [&](const auto& other) {
      return other.second.body.find(path) != std::string_view::npos;
    });
    EXPECT_TRUE(isNamed) << path << " is served, and no file names it";
    EXPECT_EQ(httpGet(server->port(), path)->status, 200);
    ++asked;
  }
  EXPECT_GT(asked, 5U);
  EXPECT_THAT(httpGet(server->port(), "/dygraph-licence.txt")->body,
              HasSubstr("Permission is hereby granted"));
}

/// A server with a feed; everything short enough for a test.
struct Streaming {
  explicit Streaming(HttpLimits limits = {.tick = 5 * kMillisecond})
      : server(serve({.metrics = samplePage, .feed = &feed}, limits)) {}

  HttpConnection reader(std::string_view headers = {}, std::string_view target = "/events") const {
    HttpConnection connection(server->port());
    connection.send("GET " + std::string(target) + " HTTP/1.1\r\n" + std::string(headers) + "\r\n");
    return connection;
  }

  SteadyClock clock;
  EventFeed feed{"f", clock};
  std::unique_ptr<MetricsServer> server;  // after the feed
};

TEST(EventStream, GivesALateReaderWhatIsKeptAndThenWhatComes) {
  Streaming stream;
  stream.feed.add("point", Keep::recent, "{\"n\":1}");
  const auto reader = stream.reader();
  const auto begin = reader.readUntil("{\"n\":1}\n\n");
  ASSERT_TRUE(begin);
  EXPECT_THAT(*begin, testing::StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(*begin, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(*begin, HasSubstr("id: f-1\nevent: point\ndata: {\"n\":1}\n\n"));
  stream.feed.add("point", Keep::recent, "{\"n\":2}");
  EXPECT_EQ(reader.readUntil("\n\n"), "id: f-2\nevent: point\ndata: {\"n\":2}\n\n");
}

TEST(EventStream, ContinuesWhereItsReaderWas) {
  Streaming stream;
  for (int i = 1; i <= 3; ++i) stream.feed.add("point", Keep::recent, std::to_string(i));
  for (const auto& [headers, target] : std::vector<std::pair<std::string, std::string>>{
           {"Last-Event-ID: f-2\r\n", "/events"}, {"", "/events?after=f-2"}}) {
    const auto got = stream.reader(headers, target).readUntil("data: 3\n\n");
    ASSERT_TRUE(got);
    EXPECT_THAT(*got, Not(HasSubstr("data: 2\n")));
  }
}

TEST(EventStream, GivesAllToAReaderOfAnotherProcess) {
  Streaming stream;
  for (int i = 1; i <= 3; ++i) stream.feed.add("point", Keep::recent, std::to_string(i));
  const auto got = stream.reader("Last-Event-ID: earlier-2\r\n").readUntil("data: 3\n\n");
  ASSERT_TRUE(got);
  EXPECT_THAT(*got, HasSubstr("data: 1\n"));
}

TEST(EventStream, OutlivesSlowSendersAndWhoeverConnectsAgainAndAgain) {
  Streaming stream({.deadline = 3600 * kSecond, .connections = 8, .tick = 5 * kMillisecond});
  stream.feed.add("point", Keep::recent, "1");
  const auto reader = stream.reader();
  ASSERT_TRUE(reader.readUntil("data: 1\n\n"));
  std::vector<HttpConnection> senders;
  for (int i = 0; i < 50; ++i) {
    senders.emplace_back(stream.server->port()).send("GET /eve");
    (void)stream.reader();
  }
  stream.feed.add("point", Keep::recent, "2");
  const auto got = reader.readUntil("data: 2\n\n");
  ASSERT_TRUE(got);
  EXPECT_THAT(*got, HasSubstr("data: 2\n\n"));
}

TEST(EventStream, EndsForAReaderThatDoesNotReadAndForNoOther) {
  Streaming stream({.pieceDeadline = 100 * kMillisecond, .tick = 5 * kMillisecond});
  const auto lazy = stream.reader();
  ASSERT_TRUE(lazy.readUntil("retry: 2000\n\n"));
  const auto reader = stream.reader();
  const std::string large(100'000, 'x');
  for (int i = 0; i < 200; ++i) {
    stream.feed.add("large", Keep::latest, large);
    const auto got = reader.readUntil("\n\n");
    ASSERT_TRUE(got && !got->empty()) << "a reader that reads lost its stream at event " << i;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const auto rest = lazy.readToEnd();
  ASSERT_TRUE(rest) << "its stream goes on";
  EXPECT_LT(rest->size(), 200U * large.size());
}

TEST(EventStream, OfTheOldestReaderEndsForOneTooMany) {
  Streaming stream({.streams = 2, .tick = 5 * kMillisecond});
  const auto first = stream.reader();
  ASSERT_TRUE(first.readUntil("retry"));
  const auto second = stream.reader(), third = stream.reader();
  EXPECT_TRUE(first.readToEnd());
  stream.feed.add("point", Keep::recent, "1");
  EXPECT_THAT(second.readUntil("data: 1\n\n").value_or(""), HasSubstr("data: 1"));
  EXPECT_THAT(third.readUntil("data: 1\n\n").value_or(""), HasSubstr("data: 1"));
}

TEST(EventStream, EndsForAReaderThatTalks) {
  Streaming stream;
  const auto reader = stream.reader();
  ASSERT_TRUE(reader.readUntil("retry"));
  reader.send("GET /metrics HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(reader.readToEnd());
}

TEST(EventStream, SharesItsBytesAmongAllReaders) {
  Streaming stream({.tick = 5 * kMillisecond, .bytesPerTick = 1'000});
  const std::string text(900, 'x');
  for (int i = 0; i < 20; ++i) stream.feed.add("point", Keep::recent, text);
  std::vector<HttpConnection> readers;
  for (int i = 0; i < 5; ++i) readers.push_back(stream.reader());
  stream.feed.add("last", Keep::latest, "1");
  for (const HttpConnection& reader : readers)
    EXPECT_THAT(reader.readUntil("event: last").value_or(""), HasSubstr("event: last"));
}

TEST(EventStream, GivesItsReadersTheLastEventsBeforeTheServerEnds) {
  Streaming stream({.tick = 3600 * kSecond});
  const auto reader = stream.reader();
  ASSERT_TRUE(reader.readUntil("retry: 2000\n\n"));
  stream.feed.add("bye", Keep::latest, "{}");
  stream.server.reset();
  EXPECT_EQ(reader.readToEnd(), "id: f-1\nevent: bye\ndata: {}\n\n");
}

TEST(EventStream, IsNotWaitedForAtTheEndWhereNobodyReads) {
  Streaming stream({.tick = 5 * kMillisecond, .farewell = 50 * kMillisecond});
  const auto lazy = stream.reader();
  for (int i = 0; i < 100; ++i) stream.feed.add("point", Keep::recent, std::string(100'000, 'x'));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Nanos asked = SteadyClock::read();
  stream.server.reset();
  EXPECT_LT(SteadyClock::read() - asked, 10 * kSecond);
}

}  // namespace
}  // namespace redline
