#include "pg/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pg/back_off.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Nanos kLater = 100 * kSecond;

QueuedRequest request(StoreTicket ticket, Nanos deadline = kLater) {
  QueuedRequest entry;
  entry.request.ticket = ticket;
  entry.request.deadline = deadline;
  return entry;
}

StoreLimits unlimited() {
  return {};
}

std::vector<StoreTicket> tickets(const std::vector<QueuedRequest>& entries) {
  std::vector<StoreTicket> all;
  for (const QueuedRequest& each : entries) all.push_back(each.request.ticket);
  return all;
}

TEST(RequestQueue, IsFirstComeFirstServed) {
  RequestQueue queue(unlimited());
  std::vector<QueuedRequest> expired;
  for (const StoreTicket ticket : {1U, 2U, 3U})
    EXPECT_EQ(queue.push(request(ticket), 0), std::nullopt);
  EXPECT_EQ(queue.pop(0, expired)->request.ticket, 1U);
  queue.putBack(request(9));
  EXPECT_EQ(queue.pop(0, expired)->request.ticket, 9U);
  EXPECT_EQ(queue.pop(0, expired)->request.ticket, 2U);
  EXPECT_EQ(queue.pop(0, expired)->request.ticket, 3U);
  EXPECT_EQ(queue.pop(0, expired), std::nullopt);
  EXPECT_THAT(expired, IsEmpty());
}

TEST(RequestQueue, BeginsNothingThatIsPastItsDeadline) {
  RequestQueue queue(unlimited());
  std::vector<QueuedRequest> expired;
  EXPECT_EQ(queue.push(request(1, 5), 5), StoreReply::Outcome::timedOut);
  EXPECT_EQ(queue.push(request(2, 10), 5), std::nullopt);
  EXPECT_EQ(queue.push(request(3, 11), 5), std::nullopt);
  EXPECT_EQ(queue.push(request(4, 30), 5), std::nullopt);
  queue.expire(10, expired);
  EXPECT_THAT(tickets(expired), ElementsAre(2));
  EXPECT_EQ(queue.pop(20, expired)->request.ticket, 4U);
  EXPECT_THAT(tickets(expired), ElementsAre(2, 3));
}

TEST(RequestQueue, ShedsWhatIsAboveTheRate) {
  StoreLimits limits;
  limits.maxRate = 1000;
  RequestQueue queue(limits);
  std::uint64_t taken = 0, shed = 0;
  for (int i = 0; i < 20'000; ++i) {  // 10,000 a second for two seconds
    const Nanos now = i * 100 * kMicrosecond;
    const auto refused = queue.push(request(1), now);
    taken += refused ? 0U : 1U;
    shed += refused == StoreReply::Outcome::shed ? 1U : 0U;
  }
  EXPECT_NEAR(static_cast<double>(taken), 2010, 10);
  EXPECT_EQ(taken + shed, 20'000U);
}

TEST(RequestQueue, ShedsWhatDoesNotFit) {
  StoreLimits limits;
  limits.maxQueue = 2;
  RequestQueue queue(limits);
  std::vector<QueuedRequest> all;
  EXPECT_EQ(queue.push(request(1), 0), std::nullopt);
  EXPECT_EQ(queue.push(request(2), 0), std::nullopt);
  EXPECT_EQ(queue.push(request(3), 0), StoreReply::Outcome::shed);
  queue.drain(all);
  EXPECT_THAT(tickets(all), ElementsAre(1, 2));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.push(request(4), 0), std::nullopt);
}

TEST(ReplyBatches, WakeEachWorkerOncePerPass) {
  int wokenA = 0, wokenB = 0;
  StoreInbox a([&] { ++wokenA; }), b([&] { ++wokenB; });
  ReplyBatches batches;
  for (const StoreTicket ticket : {1U, 2U, 3U})
    batches.add(ticket == 2 ? &b : &a,
                replyTo(request(ticket).request, StoreReply::Outcome::shed, 7));
  EXPECT_FALSE(a.hasReplies());
  batches.post();
  batches.post();
  EXPECT_EQ(wokenA, 1);
  EXPECT_EQ(wokenB, 1);
  std::vector<StoreReply> got;
  a.take(got);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[1].ticket, 3U);
  EXPECT_EQ(got[1].doneAt, 7);
  b.take(got);
  EXPECT_EQ(got.size(), 1U);
}

TEST(BackOff, DoublesUpToASecondAndStartsAnewAfterASuccess) {
  BackOff backOff;
  EXPECT_TRUE(backOff.mayTry(0));
  std::vector<Nanos> waits;
  Nanos now = 0;
  for (int i = 0; i < 8; ++i) {
    backOff.failed(now);
    EXPECT_FALSE(backOff.mayTry(backOff.next() - 1));
    EXPECT_TRUE(backOff.mayTry(backOff.next()));
    waits.push_back((backOff.next() - now) / kMillisecond);
    now = backOff.next();
  }
  EXPECT_THAT(waits, ElementsAre(20, 40, 80, 160, 320, 640, 1000, 1000));
  backOff.succeeded();
  EXPECT_TRUE(backOff.mayTry(now));
  backOff.failed(now);
  EXPECT_EQ(backOff.next() - now, BackOff::kFirst);
}

}  // namespace
}  // namespace redline
