#include "cluster/redirect.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

using Next = Decision::Next;
using Kind = Decision::Kind;

ReplyView error(std::string_view text) {
  return {ReplyType::error, false, text, 0, text.size() + 3};
}

TEST(Redirect, IsReadFromTheTextsThatRedisSends) {
  const auto moved = parseRedirect("MOVED 3999 127.0.0.1:6381");
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->host, "127.0.0.1");
  EXPECT_EQ(moved->port, 6381);
  EXPECT_EQ(parseRedirect("ASK 0 node.example:7000")->host, "node.example");
  EXPECT_EQ(parseRedirect("ASK 16383 2001:db8::1:65535")->host, "2001:db8::1");
  EXPECT_EQ(parseRedirect("ASK 16383 2001:db8::1:65535")->port, 65535);
}

TEST(Redirect, WithoutAHostMeansTheHostThatAnswered) {
  EXPECT_EQ(parseRedirect("MOVED 1 :6381")->host, "");
  EXPECT_EQ(parseRedirect("MOVED 1 ?:6381")->host, "");
  EXPECT_EQ(parseRedirect("MOVED 1 :6381")->port, 6381);
}

TEST(Redirect, IsNotReadFromAnythingElse) {
  for (const std::string_view text :
       {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 ", "MOVED 1 host",
        "MOVED 1 host:", "MOVED 1 host:0", "MOVED 1 host:65536", "MOVED 16384 h:1", "MOVED -1 h:1",
        "MOVED x h:1", "MOVED  1 h:1", "MOVED 1 h:1 more", "moved 1 h:1", "MOVEDX 1 h:1",
        "ERR MOVED 1 h:1", "TRYAGAIN Multiple keys request during rehashing of slot"})
    EXPECT_FALSE(parseRedirect(text)) << text;
}

TEST(Decide, AReplyThatIsNoErrorIsDone) {
  EXPECT_EQ(decide({ReplyType::bulk, false, "MOVED 1 h:1", 0, 0}, {}).next, Next::done);
  EXPECT_EQ(decide({}, {}).next, Next::done);
}

TEST(Decide, FollowsMovedAndAskWhateverTheTime) {
  const Decision moved = decide(error("MOVED 7 h:1"), {.now = 100, .deadline = 50});
  EXPECT_EQ(moved.next, Next::moved);
  EXPECT_EQ(moved.kind, Kind::moved);
  EXPECT_EQ(moved.to.slot, 7);
  const Decision ask = decide(error("ASK 7 h:1"), {.redirects = kMaxRedirects - 1});
  EXPECT_EQ(ask.next, Next::ask);
  EXPECT_EQ(ask.kind, Kind::ask);
}

TEST(Decide, EndsACircleOfRedirects) {
  const Decision decision = decide(error("MOVED 7 h:1"), {.redirects = kMaxRedirects});
  EXPECT_EQ(decision.next, Next::tooOften);
  EXPECT_EQ(decision.kind, Kind::moved);
  EXPECT_EQ(decide(error("ASK 7 nowhere"), {}).next, Next::tooOften);
}

TEST(Decide, TriesAgainWithGrowingWaitsUntilTheDeadline) {
  Attempt attempt{.now = kSecond, .deadline = 2 * kSecond};
  Nanos previous = 0;
  for (; attempt.retries < 40; ++attempt.retries) {
    const Decision decision = decide(error("CLUSTERDOWN Hash slot not served"), attempt);
    ASSERT_EQ(decision.next, Next::tryAgain);
    EXPECT_EQ(decision.kind, Kind::clusterDown);
    const Nanos wait = decision.retryAt - attempt.now;
    EXPECT_GE(wait, previous);
    EXPECT_LE(wait, kLongestRetryWait);
    previous = wait;
  }
  EXPECT_EQ(previous, kLongestRetryWait);
  attempt.now = attempt.deadline - kLongestRetryWait;
  EXPECT_EQ(decide(error("TRYAGAIN x"), attempt).next, Next::tryAgain);
  ++attempt.now;
  const Decision late = decide(error("TRYAGAIN x"), attempt);
  EXPECT_EQ(late.next, Next::tooLate);
  EXPECT_EQ(late.kind, Kind::tryAgain);
}

TEST(Decide, WaitsForWhatPassesByItselfAndFailsTheRest) {
  const Attempt attempt{.now = 0, .deadline = kSecond};
  for (const auto* text : {"TRYAGAIN x", "CLUSTERDOWN x", "MASTERDOWN x", "LOADING x"})
    EXPECT_EQ(decide(error(text), attempt).next, Next::tryAgain) << text;
  for (const auto* text : {"OOM x", "CROSSSLOT x", "EXECABORT x", "READONLY x", "MISCONF x", "ERR",
                           "", "MOVED", "TRYAGAINX"})
    EXPECT_NE(decide(error(text), attempt).next, Next::tryAgain) << text;
  EXPECT_EQ(decide(error("OOM x"), attempt).next, Next::failed);
  EXPECT_EQ(decide(error(""), attempt).next, Next::failed);
}

}  // namespace
}  // namespace redline
