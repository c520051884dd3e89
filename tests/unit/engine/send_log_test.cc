#include "engine/send_log.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(SendLog, HandsOverFullChunksAndKeepsTheOrder) {
  SendLog log;
  const std::size_t sends = 2 * SendLog::kChunk + 5;
  for (std::size_t n = 0; n < sends; ++n) log.append(static_cast<Nanos>(n), 1);
  std::vector<Nanos> all;
  for (SendLog::Chunk& times : log.takeFull()) {
    EXPECT_EQ(times.size(), SendLog::kChunk);
    all.insert(all.end(), times.begin(), times.end());
    log.giveBack(std::move(times));
  }
  const SendLog::Chunk rest = log.takeRest();
  all.insert(all.end(), rest.begin(), rest.end());
  ASSERT_EQ(all.size(), sends);
  for (std::size_t n = 0; n < sends; ++n) ASSERT_EQ(all[n], static_cast<Nanos>(n));
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(SendLog, TakesABatchThatIsLargerThanAChunk) {
  SendLog log;
  log.append(7, 3 * SendLog::kChunk);
  EXPECT_EQ(log.takeFull().size(), 3U);
  EXPECT_TRUE(log.takeRest().empty());
}

TEST(SendLog, DropsAndCountsWhatNobodyTakesInTime) {
  SendLog log;
  for (std::size_t n = 0; n < SendLog::kMostChunks + 3; ++n) log.append(1, SendLog::kChunk);
  EXPECT_EQ(log.takeFull().size(), SendLog::kMostChunks);
  EXPECT_EQ(log.dropped(), 3 * SendLog::kChunk);
}

}  // namespace
}  // namespace redline
