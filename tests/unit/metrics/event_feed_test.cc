#include "metrics/event_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kAll = 1 << 30;

/// The data of the events behind `after`.
std::vector<std::string> dataOf(const EventFeed& feed, std::uint64_t after = 0,
                                std::size_t most = kAll) {
  std::vector<std::string> all;
  for (const EventFeed::Frame& frame : feed.after(after, most).frames) {
    const std::size_t at = frame->find("data: ") + 6;
    all.push_back(frame->substr(at, frame->size() - at - 2));
  }
  return all;
}

TEST(EventFeed, WritesAnEventAsBrowsersReadIt) {
  const ManualClock clock;
  EventFeed feed("a1", clock);
  feed.add("point", Keep::recent, "{\"x\":1}");
  const auto batch = feed.after(0, kAll);
  ASSERT_THAT(batch.frames, SizeIs(1));
  EXPECT_EQ(*batch.frames[0], "id: a1-1\nevent: point\ndata: {\"x\":1}\n\n");
  EXPECT_EQ(batch.last, 1U);
}

TEST(EventFeed, KeepsTheLastTenMinutes) {
  ManualClock clock;
  EventFeed feed("a", clock);
  for (int second = 0; second < 700; ++second) {
    clock.set(second * kSecond);
    feed.add("point", Keep::recent, std::to_string(second));
  }
  const auto kept = dataOf(feed);
  EXPECT_EQ(kept.front(), "99");
  EXPECT_EQ(kept.back(), "699");
}

TEST(EventFeed, KeepsTheLatestOfANameHoweverOld) {
  ManualClock clock;
  EventFeed feed("a", clock);
  feed.add("run", Keep::recent, "r");
  clock.advance(3600 * kSecond);
  feed.add("point", Keep::recent, "1");
  EXPECT_THAT(dataOf(feed), ElementsAre("r", "1"));
  feed.add("run", Keep::recent, "s");
  EXPECT_THAT(dataOf(feed), ElementsAre("1", "s"));
}

TEST(EventFeed, HasOnlyTheLatestOfWhatIsReplaced) {
  const ManualClock clock;
  EventFeed feed("a", clock);
  feed.add("summary", Keep::latest, "1");
  feed.add("point", Keep::recent, "p");
  feed.add("summary", Keep::latest, "2");
  EXPECT_THAT(dataOf(feed), ElementsAre("p", "2"));
}

TEST(EventFeed, KeepsWhatIsKeptAlways) {
  ManualClock clock;
  EventFeed feed("a", clock);
  for (const char* const run : {"1", "2", "3"}) {
    feed.add("done", Keep::always, run);
    clock.advance(3600 * kSecond);
  }
  EXPECT_THAT(dataOf(feed), ElementsAre("1", "2", "3"));
}

TEST(EventFeed, ContinuesBehindTheEventThatAReaderSawLast) {
  const ManualClock clock;
  EventFeed feed("a", clock);
  for (const char* const each : {"1", "2", "3"}) feed.add("point", Keep::recent, each);
  EXPECT_THAT(dataOf(feed, feed.numberOf("a-1")), ElementsAre("2", "3"));
  EXPECT_THAT(dataOf(feed, feed.numberOf("a-3")), IsEmpty());
  EXPECT_EQ(feed.after(3, kAll).last, 3U);
}

TEST(EventFeed, ContinuesBehindAnEventThatIsGone) {
  ManualClock clock;
  EventFeed feed("a", clock);
  feed.add("summary", Keep::latest, "1");
  feed.add("summary", Keep::latest, "2");
  EXPECT_THAT(dataOf(feed, feed.numberOf("a-1")), ElementsAre("2"));
}

TEST(EventFeed, BeginsAnewForWhomItDoesNotKnow) {
  const ManualClock clock;
  EventFeed feed("a-b", clock);
  feed.add("point", Keep::recent, "1");
  EXPECT_EQ(feed.numberOf("a-b-1"), 1U);
  for (const char* const id : {"", "1", "-1", "a-1", "b-1", "a-b-2", "a-b-", "a-b-x", "a-b--1",
                               "a-b-99999999999999999999"})
    EXPECT_EQ(feed.numberOf(id), 0U) << id;
}

TEST(EventFeed, GivesNoMoreAtATimeThanIsAskedFor) {
  const ManualClock clock;
  EventFeed feed("a", clock);
  for (int i = 1; i <= 9; ++i) feed.add("point", Keep::recent, std::to_string(i));
  const std::size_t one = feed.after(0, 1).frames[0]->size();
  EXPECT_THAT(dataOf(feed, 0, 1), ElementsAre("1")) << "one at least, however long";
  EXPECT_THAT(dataOf(feed, 0, 3 * one), ElementsAre("1", "2", "3"));
  EXPECT_THAT(dataOf(feed, 0, 3 * one + 1), ElementsAre("1", "2", "3"));
}

TEST(EventFeed, DropsTheOldestBeforeItTakesTooMuchMemory) {
  const ManualClock clock;
  EventFeed feed("a", clock, {.bytes = 2'000});
  feed.add("run", Keep::recent, "r");
  feed.add("done", Keep::always, "d");
  for (int i = 0; i < 1'000; ++i) feed.add("point", Keep::recent, std::to_string(i));
  std::size_t bytes = 0;
  for (const auto& frame : feed.after(0, kAll).frames) bytes += frame->size();
  EXPECT_LE(bytes, 2'000U);
  const auto kept = dataOf(feed);
  EXPECT_GT(kept.size(), 20U);
  EXPECT_THAT(kept, testing::Contains("r"));
  EXPECT_THAT(kept, testing::Contains("d"));
  EXPECT_EQ(kept.back(), "999");
}

TEST(EventFeed, LeavesReadersTheirFramesWhenItDropsThem) {
  ManualClock clock;
  EventFeed feed("a", clock);
  feed.add("summary", Keep::latest, "1");
  const auto held = feed.after(0, kAll);
  feed.add("summary", Keep::latest, "2");
  EXPECT_THAT(*held.frames[0], testing::HasSubstr("data: 1\n"));
}

}  // namespace
}  // namespace redline
