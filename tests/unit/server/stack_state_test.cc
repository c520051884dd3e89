#include "server/stack_state.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

StackState someState() {
  return {
      "lab",          "node",
      true,           "/tmp/s",
      "redis-server", {{"node-7600", "master", 7600, "/tmp/s/node-7600", {4711, 123456, "boot"}}}};
}

TEST(StackState, SurvivesTheWayThroughItsFile) {
  StackState contained = someState();
  contained.compose = true;
  contained.nodes[0].container = "0123456789abcdef";
  contained.settings = {{"port", "7600"}, {"server-cpus", ""}};
  for (const StackState& state : {someState(), contained}) {
    const auto read = parseStackState(toJson(state));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, state);
  }
}

TEST(StackState, KeepsThePostgresBehindTheCache) {
  StackState state = someState();
  state.backing = PostgresState{"/tmp/s/pg", "/usr/lib/postgresql/15/bin", "1", {4712, 9, "boot"}};
  const auto read = parseStackState(toJson(state));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, state);
}

TEST(StackState, RefusesFilesThatAreNotItsOwn) {
  for (const char* text : {"", "{", "[]", "{\"schema\":1}", "{\"schema\":2}", "null"}) {
    const auto read = parseStackState(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, ErrorCode::invalidInput);
  }
  std::string cut = toJson(someState());
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(parseStackState(cut));
}

TEST(StackName, CannotLeadOutOfTheStateDirectory) {
  EXPECT_TRUE(checkStackName("lab-2_b.c"));
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "a\nb"})
    EXPECT_FALSE(checkStackName(name)) << name;
  EXPECT_FALSE(checkStackName(std::string(65, 'a')));
}

TEST(StackMemory, RefusesMoreThanTheMachineHasWithTheArithmetic) {
  constexpr std::uint64_t kGiB = 1ULL << 30;
  EXPECT_TRUE(checkMemory(10 * kGiB, 1, 16 * kGiB, 24 * kGiB));
  EXPECT_FALSE(checkMemory(10 * kGiB, 2, 16 * kGiB, 24 * kGiB));
  const auto refused = checkMemory(20 * kGiB, 1, 16 * kGiB, 24 * kGiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  for (const char* part : {"20", "1.1", "22", "16", "24", "-maxmemory", "-force"})
    EXPECT_NE(refused.error().message.find(part), std::string::npos) << part;
  EXPECT_FALSE(checkMemory(UINT64_MAX, 6, 16 * kGiB, 24 * kGiB));
}

TEST(StackMemory, TakesThreeQuartersOfWhatIsAvailableByDefault) {
  EXPECT_EQ(defaultMaxmemory(400ULL << 20, 1), 300ULL << 20);
  EXPECT_EQ(defaultMaxmemory(400ULL << 20, 3), 100ULL << 20);
  EXPECT_TRUE(checkMemory(defaultMaxmemory(1ULL << 34, 1), 1, 1ULL << 34, 1ULL << 35));
}

}  // namespace
}  // namespace redline
