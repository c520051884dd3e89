#include "server/server_log.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

Value reply(std::string_view bytes) {
  ValueParser parser;
  parser.feed(bytes);
  Value value;
  EXPECT_TRUE(parser.next(value).value_or(false)) << bytes;
  return value;
}

/// One entry of SLOWLOG GET, as Redis 7 sends it.
std::string entry(int id, int usec, const std::string& command,
                  const std::string& client = "loader") {
  return fmt::format(
      "*6\r\n:{}\r\n:1700000000\r\n:{}\r\n*2\r\n${}\r\n{}\r\n$1\r\n*\r\n$15\r\n127.0.0.1:40000\r\n"
      "${}\r\n{}\r\n",
      id, usec, command.size(), command, client.size(), client);
}

TEST(SlowlogReader, TakesWhatIsThereAtTheStartForOld) {
  SlowlogReader reader;
  EXPECT_TRUE(reader.read(reply("*1\r\n" + entry(4, 2000, "KEYS")), kSecond).empty());
  EXPECT_TRUE(reader.read(reply("*1\r\n" + entry(4, 2000, "KEYS")), kSecond).empty());
}

TEST(SlowlogReader, ReportsNewEntriesOnceOldestFirst) {
  SlowlogReader reader;
  reader.read(reply("*0\r\n"), 0);
  const Value two = reply("*2\r\n" + entry(1, 3000, "HGETALL") + entry(0, 2000, "KEYS"));
  const auto events = reader.read(two, 10 * kMillisecond);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, "slowlog");
  EXPECT_EQ(events[0].name, "keys");
  EXPECT_EQ(events[0].duration, 2 * kMillisecond);
  EXPECT_EQ(events[0].at, 8 * kMillisecond);
  EXPECT_EQ(events[0].detail, "KEYS * (client 127.0.0.1:40000 loader)");
  EXPECT_EQ(events[1].name, "hgetall");
  EXPECT_TRUE(reader.read(two, kSecond).empty());
}

TEST(SlowlogReader, TellsTheEntriesOfRedlinesObserversAndNotOfItsFaults) {
  SlowlogReader reader;
  reader.read(reply("*0\r\n"), 0);
  const auto events = reader.read(
      reply("*5\r\n" + entry(4, 1, "INFO", "redline-sampler") +
            entry(3, 1, "KEYS", "redline-chaos") + entry(2, 1, "a (client x redline-b)") +
            entry(1, 1, "INFO", "") + entry(0, 1, "INFO", "my-redline-sampler")),
      0);
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(clientNameOf(events[3]), "redline-chaos");
  EXPECT_EQ(clientNameOf(events[1]), "");
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(isOfObserver(events[i]), i == 4) << i;
}

TEST(SlowlogReader, KnowsWhenItDidNotReachBackFarEnough) {
  SlowlogReader reader;
  reader.read(reply("*1\r\n" + entry(4, 1, "A")), 0);
  EXPECT_TRUE(reader.hasGap(reply("*1\r\n" + entry(6, 1, "A"))));
  EXPECT_FALSE(reader.hasGap(reply("*1\r\n" + entry(5, 1, "A"))));
  EXPECT_FALSE(reader.hasGap(reply("*0\r\n")));
}

TEST(SlowlogReader, TakesAllEntriesOfARestartedServerForNew) {
  SlowlogReader reader;
  reader.read(reply("*1\r\n" + entry(40, 1, "A")), 0);
  reader.restart();
  EXPECT_EQ(reader.read(reply("*1\r\n" + entry(0, 1, "A")), 0).size(), 1U);
}

TEST(SlowlogReader, PassesOverEntriesThatAreNone) {
  SlowlogReader reader;
  reader.read(reply("*0\r\n"), 0);
  EXPECT_TRUE(reader.read(reply("*3\r\n:1\r\n*0\r\n*4\r\n:1\r\n:1\r\n:1\r\n*0\r\n"), 0).empty());
}

TEST(LatencyReader, ReportsSecondsThatAreOverAndNewOnce) {
  LatencyReader reader;
  reader.start(reply("*1\r\n*4\r\n$7\r\ncommand\r\n:100\r\n:9\r\n:9\r\n"));
  const Value latest = reply("*1\r\n*4\r\n$7\r\ncommand\r\n:103\r\n:20\r\n:20\r\n");
  ASSERT_EQ(reader.changed(latest), std::vector<std::string>{"command"});
  const Value history =
      reply("*3\r\n*2\r\n:100\r\n:9\r\n*2\r\n:102\r\n:15\r\n*2\r\n:103\r\n:20\r\n");
  const auto events = reader.read("command", history, 103, -100 * kSecond, false);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].at, 2 * kSecond);
  EXPECT_EQ(events[0].duration, 15 * kMillisecond);
  EXPECT_EQ(events[0].name, "command");
  EXPECT_EQ(reader.changed(latest).size(), 1U);  // second 103 is still to come
  EXPECT_EQ(reader.read("command", history, 104, 0, false).size(), 1U);
  EXPECT_TRUE(reader.changed(latest).empty());
}

TEST(LatencyReader, ReportsTheRunningSecondAtTheEnd) {
  LatencyReader reader;
  reader.start(reply("*0\r\n"));
  const Value history = reply("*1\r\n*2\r\n:103\r\n:20\r\n");
  EXPECT_TRUE(reader.read("fork", history, 103, 0, false).empty());
  EXPECT_EQ(reader.read("fork", history, 103, 0, true).size(), 1U);
}

TEST(LatencyReader, OutlivesASecondThatNoClockHas) {
  LatencyReader reader;
  const Value history = reply("*1\r\n*2\r\n:9795943392\r\n:9223372036854775807\r\n");
  const auto events = reader.read("command", history, 1, -kSecond, true);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_GT(events[0].at, 0);
  EXPECT_GT(events[0].duration, 0);
}

TEST(SlowlogReader, OutlivesADurationThatNoClockHas) {
  for (const char* const micros : {"9223372036854775807", "-9223372036854775808"}) {
    SlowlogReader reader;
    reader.read(reply("*0\r\n"), 0);
    const auto events = reader.read(
        reply(fmt::format("*1\r\n*4\r\n:1\r\n:1700000000\r\n:{}\r\n*1\r\n$4\r\nKEYS\r\n", micros)),
        kSecond);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_GE(events[0].duration, 0);
    EXPECT_LE(events[0].at, kSecond);
  }
}

}  // namespace
}  // namespace redline
