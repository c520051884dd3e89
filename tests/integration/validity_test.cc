// Each reason for calling a run invalid, brought about for real. The arithmetic of the rules is in
// tests/unit/record/validity_test.cc; stolen time needs a hypervisor that steals, and corrupt
// values are in driver_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/driver_lab.h"

namespace redline {
namespace {

using test::adminOf;
using test::expectConserved;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using Lab = test::DriverLab;

/// Other programs that want the first core this process may use, all of the time.
class CoreThieves {
 public:
  explicit CoreThieves(unsigned number) {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    ::sched_getaffinity(0, sizeof allowed, &allowed);
    while (!CPU_ISSET(static_cast<std::size_t>(core_), &allowed)) ++core_;
    for (unsigned i = 0; i < number; ++i) threads_.emplace_back([this] { spin(); });
  }
  ~CoreThieves() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  CoreThieves(const CoreThieves&) = delete;
  CoreThieves& operator=(const CoreThieves&) = delete;
  int core() const { return core_; }

 private:
  void spin() const {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(core_), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    while (!stop_.load(std::memory_order_relaxed)) {
    }
  }

  int core_ = 0;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(Validity, AnOverloadedGeneratorIsNotTakenForTheServersCeiling) {
  Lab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  const CoreThieves thieves(3);
  lab.plan.engine.cpus = {thieves.core()};
  lab.plan.engine.arrivals = Arrivals::closed;
  const Summary s = lab.run();
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(HasSubstr("core taken")));
}

TEST(Validity, AnImpossibleRateIsCalledOverloadedAndSaysWhoseCeilingItIs) {
  Lab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.rate = 20e6;
  lab.plan.engine.pipeline = 64;
  lab.plan.engine.drain = kSecond;
  const Summary s = lab.run();
  EXPECT_TRUE(s.rate.overloaded);
  EXPECT_THAT(s.notes, Contains(HasSubstr("of 20000000 offered")));
  EXPECT_GT(s.rate.outstanding, 10'000'000U);
  EXPECT_THAT(s.latency.at("response").at("all").lowerBounds, Contains("p50"));
  // Believed only where the server was what could not go faster.
  EXPECT_TRUE(!s.valid || s.servers.at(0).mainThreadUtilisation > 0.5);
  expectConserved(s);
}

TEST(Validity, AServerThatIsGoneForGoodIsLost) {
  Lab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.drain = 200 * kMillisecond;
  lab.onInterval = [&](const Interval& interval) {
    if (!interval.warmup && !interval.drain) (void)lab.redis->node().kill();
  };
  const Summary s = lab.run();
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(HasSubstr("server lost")));
  expectConserved(s);
}

TEST(Validity, ARunWithoutOneCompletedOperationIsNone) {
  NodeConfig config;
  config.policy = "volatile-lru";
  Lab lab(config);
  ASSERT_TRUE(lab.redis);
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->configSet("maxmemory", "1mb"));
  lab.plan.engine.readShare = 0;
  lab.plan.engine.duration = kSecond;
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.errors.at("oom"), s.rate.scheduled);
  EXPECT_THAT(s.invalidReasons, Contains(HasSubstr("nothing completed")));
  expectConserved(s);
}

TEST(Validity, OperationsLostWithTheirConnectionsLeaveNoP99) {
  Lab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.readShare = 0;
  std::atomic<bool> begun{false};
  std::atomic<bool> over{false};
  lab.onInterval = [&](const Interval&) { begun = true; };
  std::thread killer([&] {
    // A stall lets writes gather on every connection; then all of those are closed.
    while (!over) {
      if (!begun) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        continue;
      }
      if (auto admin = adminOf(*lab.redis))
        (void)admin->pipeline(std::vector<std::vector<std::string>>{
            {"DEBUG", "SLEEP", "0.05"}, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}});
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });
  const Summary s = lab.run();
  over = true;
  killer.join();
  EXPECT_GT(s.rate.errors.at("unknown_fate"), s.rate.scheduled / 100);
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(HasSubstr("operations lost")));
  expectConserved(s);
}

// What the server cannot do, or will not, is what was measured.
TEST(Validity, AServerThatRefusesSomeOfItIsAFinding) {
  NodeConfig config;
  config.policy = "volatile-lru";
  Lab lab(config);
  ASSERT_TRUE(lab.redis);
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->configSet("maxmemory", "1mb"));
  lab.plan.engine.readShare = 0.5;
  const Summary s = lab.run();
  EXPECT_GT(s.rate.errors.at("oom"), 1'000U);
  EXPECT_THAT(s.invalidReasons, testing::Not(Contains(HasSubstr("lost"))));
  EXPECT_THAT(s.invalidReasons, testing::Not(Contains(HasSubstr("completed"))));
}

}  // namespace
}  // namespace redline
