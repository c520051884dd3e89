#include "run/generator_memory.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(GeneratorMemory, GrowsWithConnectionsBatchesAndValues) {
  EnginePlan plan;
  const std::uint64_t usual = generatorMemory(plan, 1);
  EXPECT_LT(usual, 16U << 20);
  plan.pipeline = 100'000;
  plan.conns = 10'000;
  EXPECT_GT(generatorMemory(plan, 1), 100ULL << 30);
  plan.pipeline = 0;
  plan.conns = 50;
  plan.valueSize = 512 << 20;
  EXPECT_GT(generatorMemory(plan, 1), 50ULL << 29);
  EXPECT_EQ(generatorMemory(plan, 6), 6 * generatorMemory(plan, 1));
  LoadPlan load;
  EXPECT_LT(generatorMemory(load, 1), 64U << 20);
  load.valueSize = 512 << 20;
  EXPECT_GT(generatorMemory(load, 1), 16ULL << 29);
}

TEST(GeneratorMemory, IsRefusedWithTheArithmeticWhereTheMachineHasLess) {
  EXPECT_TRUE(checkGeneratorMemory(1 << 20, 1 << 20));
  const Status refused = checkGeneratorMemory(3ULL << 30, 1ULL << 30);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::noSpace);
  EXPECT_NE(refused.error().message.find("3 GB"), std::string::npos);
}

}  // namespace
}  // namespace redline
