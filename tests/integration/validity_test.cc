// Each reason for calling a run invalid, brought about for real. The arithmetic of the rules is in
// tests/unit/record/validity_test.cc; stolen time needs a hypervisor that steals, corrupt values
// are in driver_test.cc, and a full backlog is in cluster_driver_test.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "server/host.h"
#include "support/driver_lab.h"

namespace redline {
namespace {

using test::adminOf;
using test::DriverLab;
using test::expectConserved;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

auto because(ReasonCode code) {
  return testing::Field(&Reason::code, code);
}

void pinTo(unsigned core) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

/// Other programs that want one core all of the time.
class CoreThieves {
 public:
  CoreThieves(unsigned core, unsigned number) {
    for (unsigned i = 0; i < number; ++i) threads_.emplace_back([this, core] { spin(core); });
  }
  ~CoreThieves() {
    stop_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  CoreThieves(const CoreThieves&) = delete;
  CoreThieves& operator=(const CoreThieves&) = delete;

 private:
  void spin(unsigned core) const {
    pinTo(core);
    while (!stop_.load(std::memory_order_relaxed)) {
    }
  }

  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

/// Another program that nobody may keep from its core: a real-time thread that takes 60 ms of every
/// 100 ms. What an ordinary scheduler makes of it does not depend on what else the machine does.
class RealtimeThief {
 public:
  explicit RealtimeThief(unsigned core) : thread_([this, core] { steal(core); }) {}
  ~RealtimeThief() {
    stop_ = true;
    thread_.join();
  }
  RealtimeThief(const RealtimeThief&) = delete;
  RealtimeThief& operator=(const RealtimeThief&) = delete;
  /// False: this process may have no real-time threads.
  bool allowed() const { return allowed_.get_future().get(); }

 private:
  void steal(unsigned core) {
    pinTo(core);
    const sched_param priority{1};
    const bool permitted = ::sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
    allowed_.set_value(permitted);
    while (permitted && !stop_.load(std::memory_order_relaxed)) {
      const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
      while (std::chrono::steady_clock::now() < until) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(40));
    }
  }

  std::atomic<bool> stop_{false};
  mutable std::promise<bool> allowed_;
  std::thread thread_;
};

TEST(ValidityAlone, ACoreThatIsStolenFromAnOpenRunIsSeenAndNamed) {
  const std::vector<unsigned> cores = allowedCpus();
  if (cores.size() < 2) GTEST_SKIP() << "needs two cores: one for the server, one to be stolen";
  NodeConfig config;
  config.cpus = std::to_string(cores.front());
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  const RealtimeThief thief(cores.back());
  if (!thief.allowed())
    GTEST_SKIP() << "may not start a real-time thread: needs root, or CAP_SYS_NICE";
  lab.plan.engine.cpus = {static_cast<int>(cores.back())};
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.completed, s.rate.scheduled);  // all is done in the end, and yet
  EXPECT_FALSE(s.valid);
  EXPECT_GT(s.generator.waitingForCore, 0.2);
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::behindSchedule)));
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::coreTaken)));
  expectConserved(s);
}

TEST(ValidityAlone, AGeneratorThatIsBusierThanItsServerFoundItsOwnCeiling) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  // Nearly all reads are served by the worker's own cache: all of the work is the generator's.
  lab.plan.engine.arrivals = Arrivals::closed;
  lab.plan.engine.readShare = 1;
  lab.plan.engine.mitigation.kind = MitigationKind::localCache;
  const Summary s = lab.run();
  EXPECT_GT(s.cache.localHits, s.rate.completed * 9 / 10);
  EXPECT_FALSE(s.valid) << s.generator.utilisation << " busy";
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::generatorBound)));
  expectConserved(s);
}

TEST(ValidityAlone, AnOverloadedGeneratorIsNotTakenForTheServersCeiling) {
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  const unsigned core = allowedCpus().front();
  const CoreThieves thieves(core, 3);
  lab.plan.engine.cpus = {static_cast<int>(core)};
  lab.plan.engine.arrivals = Arrivals::closed;
  const Summary s = lab.run();
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::coreTaken)));
}

TEST(ValidityAlone, AnImpossibleRateIsCalledOverloadedAndSaysWhoseCeilingItIs) {
  DriverLab lab;
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
  DriverLab lab;
  ASSERT_TRUE(lab.redis);
  lab.fillKeys();
  lab.plan.engine.drain = 200 * kMillisecond;
  lab.onInterval = [&](const Interval& interval) {
    if (!interval.warmup && !interval.drain) (void)lab.redis->node().kill();
  };
  const Summary s = lab.run();
  EXPECT_FALSE(s.valid);
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::serverLost)));
  expectConserved(s);
}

TEST(Validity, ARunWithoutOneCompletedOperationIsNone) {
  NodeConfig config;
  config.policy = "volatile-lru";
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->configSet("maxmemory", "1mb"));
  lab.plan.engine.readShare = 0;
  lab.plan.engine.duration = kSecond;
  const Summary s = lab.run();
  EXPECT_EQ(s.rate.errors.at("oom"), s.rate.scheduled);
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::nothingCompleted)));
  expectConserved(s);
}

TEST(Validity, OperationsLostWithTheirConnectionsLeaveNoP99) {
  DriverLab lab;
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
  EXPECT_THAT(s.invalidReasons, Contains(because(ReasonCode::operationsLost)));
  expectConserved(s);
}

// What the server cannot do, or will not, is what was measured.
TEST(Validity, AServerThatRefusesSomeOfItIsAFinding) {
  NodeConfig config;
  config.policy = "volatile-lru";
  DriverLab lab(config);
  ASSERT_TRUE(lab.redis);
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->configSet("maxmemory", "1mb"));
  lab.plan.engine.readShare = 0.5;
  const Summary s = lab.run();
  EXPECT_GT(s.rate.errors.at("oom"), 1'000U);
  for (const ReasonCode code :
       {ReasonCode::serverLost, ReasonCode::operationsLost, ReasonCode::nothingCompleted})
    EXPECT_THAT(s.invalidReasons, testing::Not(Contains(because(code))));
}

}  // namespace
}  // namespace redline
