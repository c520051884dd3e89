#include "record/server_sample.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(ServerSample, ReadsFieldsAsNumbers) {
  ServerSample sample;
  sample.info = {{"used_memory", "18446744073"}, {"mem_fragmentation_ratio", "1.02"}};
  EXPECT_EQ(sample.number("used_memory"), 18446744073.0);
  EXPECT_EQ(sample.number("mem_fragmentation_ratio"), 1.02);
}

TEST(ServerSample, GivesTheDefaultForWhatIsMissingOrNoNumber) {
  ServerSample sample;
  sample.info = {{"rdb_last_bgsave_status", "ok"}, {"maxmemory_human", "1G"}, {"empty", ""}};
  EXPECT_EQ(sample.number("absent"), 0);
  EXPECT_EQ(sample.number("absent", -1), -1);
  EXPECT_EQ(sample.number("rdb_last_bgsave_status", -1), -1);
  EXPECT_EQ(sample.number("maxmemory_human", -1), -1);
  EXPECT_EQ(sample.number("empty", -1), -1);
}

}  // namespace
}  // namespace redline
