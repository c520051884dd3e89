#include "lab/foreign_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace redline {
namespace {

using Table = std::vector<ProcessCpu>;

/// 1 … 9 are the kernel's, 10 … 19 ours.
Ownership byNumber(pid_t pid) {
  return pid < 10 ? Ownership::kernel : pid < 20 ? Ownership::ours : Ownership::foreign;
}

TEST(ForeignTally, CountsWhatOthersUsedSinceTheLastTable) {
  ForeignTally tally(byNumber);
  EXPECT_EQ(tally.add({{5, 100}, {10, 1'000}, {30, 50'000}}).foreign, 0);
  EXPECT_EQ(tally.add({{5, 900}, {10, 9'000}, {30, 50'000}}).foreign, 0);
  EXPECT_EQ(tally.add({{5, 900}, {10, 9'000}, {30, 50'700}}).foreign, 700);
}

TEST(ForeignTally, KeepsTheKernelsThreadsApart) {
  ForeignTally tally(byNumber);
  tally.add({{5, 100}, {30, 1}});
  const OthersCpu others = tally.add({{5, 900}, {30, 4}});
  EXPECT_EQ(others.kernel, 800);
  EXPECT_EQ(others.foreign, 3);
}

TEST(ForeignTally, TakesAllOfAProcessThatBegan) {
  ForeignTally tally(byNumber);
  tally.add({{30, 100}});
  EXPECT_EQ(tally.add({{30, 100}, {31, 40}}).foreign, 40);
  EXPECT_EQ(tally.add({{30, 110}}).foreign, 10);            // the other has ended
  EXPECT_EQ(tally.add({{30, 110}, {31, 25}}).foreign, 25);  // its number is another's now
  EXPECT_EQ(tally.add({{30, 110}, {31, 5}}).foreign, 5);    // and so within one period
}

TEST(ForeignTally, AsksOnceForEachProcess) {
  int asked = 0;
  ForeignTally tally([&](pid_t pid) {
    ++asked;
    return byNumber(pid);
  });
  tally.add({{10, 1}, {30, 1}});
  tally.add({{10, 2}, {30, 2}});
  EXPECT_EQ(asked, 2);
}

TEST(ForeignCpu, SeesThisProcessAndThatItIsOurs) {
  EXPECT_EQ(ownerOf(::getpid()), Ownership::ours);
  EXPECT_EQ(ownerOf(1), Ownership::foreign);
  const Table all = readProcessCpus();
  EXPECT_TRUE(std::ranges::any_of(
      all, [](const ProcessCpu& each) { return each.pid == ::getpid() && each.used > 0; }));
}

}  // namespace
}  // namespace redline
