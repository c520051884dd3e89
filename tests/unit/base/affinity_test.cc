#include "base/affinity.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>
#include <vector>

namespace redline {
namespace {

std::vector<int> allowed() {
  cpu_set_t set;
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set)) cpus.push_back(cpu);
  return cpus;
}

TEST(AffinityScope, HoldsForThisThreadAndThoseThatItStarts) {
  const std::vector<int> before = allowed();
  const std::vector<int> one{before.back()};
  {
    const AffinityScope scope(one);
    EXPECT_EQ(allowed(), one);
    std::vector<int> ofAnother;
    std::thread([&] { ofAnother = allowed(); }).join();
    EXPECT_EQ(ofAnother, one);
  }
  EXPECT_EQ(allowed(), before);
}

TEST(AffinityScope, OfNoCpusOrOfOthersCpusLeavesItAsItWas) {
  const std::vector<int> before = allowed();
  for (const std::vector<int>& cpus : {std::vector<int>{}, {-1}, {CPU_SETSIZE - 1}}) {
    const AffinityScope scope(cpus);
    EXPECT_EQ(allowed(), before);
  }
  EXPECT_EQ(allowed(), before);
}

}  // namespace
}  // namespace redline
