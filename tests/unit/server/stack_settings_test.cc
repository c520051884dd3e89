#include "server/stack_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

const StackSettings kKnown{{"maxmemory", "256MB"}, {"server-cpus", ""}};

TEST(StackSettings, RefusesAGivenOneThatDiffers) {
  const std::vector<StackSetting> wanted{{"maxmemory", "512MB", true}, {"server-cpus", "", false}};
  const auto refused = checkSettings("lab", kKnown, wanted);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsafe);
  EXPECT_EQ(refused.error().message,
            "stack lab is up already, with -maxmemory=256MB and not with -maxmemory=512MB: stop it "
            "first with `redline stack down lab`, or choose another -name");
  const std::vector<StackSetting> pinned{{"server-cpus", "0", true}};
  EXPECT_THAT(checkSettings("lab", kKnown, pinned).error().message,
              testing::HasSubstr("without -server-cpus and not with -server-cpus=0"));
}

TEST(StackSettings, AcceptsWhatIsTheSameOrWasNotAskedFor) {
  const std::vector<StackSetting> same{{"maxmemory", "256MB", true}};
  const std::vector<StackSetting> defaults{{"maxmemory", "auto", false},
                                           {"server-cpus", "", false}};
  const std::vector<StackSetting> further{{"observe-port", "7690", true}};
  for (const auto& wanted : {same, defaults, further})
    EXPECT_TRUE(checkSettings("lab", kKnown, wanted));
}

TEST(StackSettings, KeepWhatWasFirst) {
  const std::vector<StackSetting> wanted{{"maxmemory", "auto", false}, {"observe-port", "0", true}};
  EXPECT_THAT(
      joinSettings(kKnown, wanted),
      testing::ElementsAre(testing::Pair("maxmemory", "256MB"), testing::Pair("server-cpus", ""),
                           testing::Pair("observe-port", "0")));
}

}  // namespace
}  // namespace redline
