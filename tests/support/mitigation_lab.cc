#include "support/mitigation_lab.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "server/key_admin.h"
#include "server/slot_map_reading.h"
#include "workload/values.h"

namespace redline::test {

MitigationLab::MitigationLab(std::optional<ScopedStack> stack) : redis(std::move(stack)) {
  if (!redis) return;
  plan.engine.target = redis->endpoint();
  if (redis->size() > 1) plan.engine.seeds = redis->endpoints();
  plan.engine.keys = 2000;
  plan.engine.distribution = Distribution::zipfian;
  plan.engine.zipfS = 1.2;
  plan.engine.warmup = 0;
  plan.engine.duration = 2 * kSecond;
  plan.engine.interval = 200 * kMillisecond;
  plan.engine.rate = 5000;
  plan.engine.conns = 8;
  plan.engine.threads = 2;
  plan.engine.readShare = 0.9;
  plan.engine.mitigation.ledgerKeys = 500;
  plan.own = ownServers(*redis);
  plan.out = home.path() / "run";
  plan.command = {"test"};
  plan.redlineVersion = "test";
}

std::string MitigationLab::value(std::uint64_t id, std::uint64_t version) const {
  std::string bytes(plan.engine.valueSize, '\0');
  Values(plan.engine.seed, plan.engine.valueSize).write(bytes.data(), id, version);
  return bytes;
}

std::uint64_t MitigationLab::hottest(std::uint64_t rank) const {
  return KeyChooser(plan.engine.distribution, plan.engine.zipfS, plan.engine.keys, plan.engine.seed)
      .hottest(rank);
}

void MitigationLab::fill() const {
  auto keys = KeyAdmin::connect(redis->endpoint(), redis->size() > 1, {});
  ASSERT_TRUE(keys);
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t id = 0; id < plan.engine.keys; ++id)
    commands.push_back({"SET", "obj:" + std::to_string(id), value(id, 0)});
  ASSERT_TRUE(keys->pipeline(commands));
}

void MitigationLab::chaos(const std::string& text) {
  auto parsed = parseChaosPlan(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  plan.chaos = std::move(*parsed);
}

Admin MitigationLab::admin(std::size_t node) const {
  auto made = Admin::connect(redis->node(node).endpoint(), {});
  EXPECT_TRUE(made) << made.error().message;
  return std::move(*made);
}

SlotMap MitigationLab::map() const {
  Admin first = admin(0);
  auto reading = readSlotMap(first);
  EXPECT_TRUE(reading) << reading.error().message;
  return reading ? std::move(reading->map) : SlotMap();
}

Summary MitigationLab::run() {
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  watcher.onInterval = [this](const Interval&, Nanos sinceStart) { meanwhile(sinceStart); };
  watcher.interrupted = [] { return false; };
  auto outcome = runDriver(plan, watcher);
  EXPECT_TRUE(outcome) << outcome.error().message;
  if (!outcome) return {};
  EXPECT_TRUE(outcome->status) << outcome->status.error().message;
  const Summary& s = outcome->summary;
  EXPECT_EQ(s.rate.scheduled, s.rate.completed + s.rate.failed + s.rate.outstanding);
  for (const std::string& note : s.notes)
    EXPECT_THAT(note, testing::Not(testing::HasSubstr("could not be read back")));
  return s;
}

Summary MitigationLab::runWithAllReplicas() {
  const std::filesystem::path out = plan.out;
  Summary s;
  for (int attempt = 1; attempt <= 3; ++attempt) {
    plan.out = out.string() + fmt::format("-{}", attempt);
    s = run();
    if (countOf(s, Count::fallbackReads) == 0) break;
  }
  EXPECT_EQ(countOf(s, Count::fallbackReads), 0U) << "a replica was passed over in each run";
  return s;
}

std::uint64_t countOf(const Summary& summary, MitigationCount count) {
  const auto found =
      summary.mitigation.counts.find(std::string(kMitigationCountNames[index(count)]));
  return found == summary.mitigation.counts.end() ? 0 : found->second;
}

}  // namespace redline::test
