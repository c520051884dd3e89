#include "support/driver_lab.h"

#include <gtest/gtest.h>
#include <memory>

#include <string>
#include <utility>
#include <vector>

#include "workload/keyspace.h"
#include "workload/values.h"

namespace redline::test {

DriverLab::DriverLab(NodeConfig config) : redis(startRedis(std::move(config))) {
  if (!redis) return;
  plan.engine.target = redis->endpoint();
  plan.engine.keys = kKeys;
  plan.engine.warmup = 500 * kMillisecond;
  plan.engine.duration = 2 * kSecond;
  plan.engine.rate = 2'000;
  plan.out = home.path() / "run";
  plan.command = {"test"};
  plan.redlineVersion = "test";
}

void DriverLab::fillKeys() {
  auto admin = adminOf(*redis, plan.engine.credentials.password);
  if (!admin) return;
  const Values values(plan.engine.seed, plan.engine.valueSize);
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t id = 0; id < kKeys; ++id) {
    char key[kMaxKeyLength];
    std::string value(plan.engine.valueSize, '\0');
    values.write(value.data(), id, 0);
    commands.push_back({"SET", std::string(key, writeKey(key, id)), value});
  }
  ASSERT_TRUE(admin->pipeline(commands, 60 * kSecond));
}

std::future<void> DriverLab::underWay() {
  const auto promise = std::make_shared<std::promise<void>>();
  onInterval = [promise, told = false](const Interval&) mutable {
    if (!told) promise->set_value();
    told = true;
  };
  return promise->get_future();
}

Result<DriverOutcome> DriverLab::tryRun() {
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  watcher.onInterval = [this](const Interval& interval, Nanos) { onInterval(interval); };
  watcher.interrupted = [this] { return interrupt.load(); };
  return runDriver(plan, watcher);
}

Summary DriverLab::run() {
  auto outcome = tryRun();
  EXPECT_TRUE(outcome) << outcome.error().message;
  if (!outcome) return {};
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  return outcome->summary;
}

void expectConserved(const Summary& s) {
  EXPECT_EQ(s.rate.scheduled, s.rate.completed + s.rate.failed + s.rate.outstanding);
}

}  // namespace redline::test
