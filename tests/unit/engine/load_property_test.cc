// Whatever servers and clock do, a load stores what it says that it has stored. The variables of
// worker_property_test.cc apply.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "engine/load_worker.h"
#include "random_servers.h"

namespace redline {
namespace {

std::uint64_t variable(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string keyOfId(std::uint64_t id) {
  char key[kMaxKeyLength];
  return {key, writeKey(key, id)};
}

SlotMap threeNodes() {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    map.moved(slot, "127.0.0.1", static_cast<std::uint16_t>(7001 + std::size_t{slot} * 3 / kSlots));
  return map;
}

void loadAtRandom(std::uint64_t seed, const SlotMap& map) {
  Rng rng(seed);
  LoadPlan plan;
  plan.keys = 1 + rng.below(600);
  plan.from = rng.below(plan.keys);
  plan.batch = 1 + rng.below(40);
  plan.conns = static_cast<unsigned>(1 + rng.below(3));
  plan.inFlight = static_cast<unsigned>(1 + rng.below(3));
  plan.valueSize = 40;
  plan.mset = rng.below(2) == 0;
  RandomServers::Chances chances;
  const auto sometimes = [&rng](unsigned oneIn) { return rng.below(3) == 0 ? oneIn : 0U; };
  chances.error = sometimes(200);
  chances.redirect = sometimes(5);
  chances.garbage = sometimes(1000);
  chances.close = sometimes(300);
  if (chances.close != 0) chances.silence = sometimes(200);
  const bool inCluster = rng.below(2) == 0;
  if (inCluster) plan.seeds = {{"127.0.0.1", 7001, {}}};

  ManualClock clock(3 * kSecond);
  LiveSlotMap live(map);
  LoadShared shared(plan, inCluster ? &live : nullptr);
  RandomServers servers(seed, clock, shared.values, chances);
  servers.inCluster = inCluster;
  servers.longestWait = 10 * kMillisecond;
  LoadWorker worker(shared, 0, servers, clock);
  const Status ended = worker.run();

  EXPECT_TRUE(!ended || shared.done.load() == plan.keys - plan.from) << shared.done.load();
  EXPECT_LE(shared.done.load(), plan.keys - plan.from);
  EXPECT_LE(shared.done.load(), servers.keys.size());
  const std::uint64_t resumeFrom = std::min(worker.lowestUnfinished(), shared.blocks.frontier());
  EXPECT_TRUE(!ended || resumeFrom == plan.keys);
  for (std::uint64_t id = plan.from; id < resumeFrom; ++id)
    EXPECT_TRUE(servers.keys.contains(keyOfId(id))) << id;
  EXPECT_LE(worker.counters().keysSent - worker.counters().resentKeys,
            shared.blocks.frontier() - plan.from);
}

TEST(LoadProperty, StoresWhatItSaysWhateverServersAndClockDo) {
  const std::uint64_t first = variable("REDLINE_PROPERTY_SEED", 1);
  const std::uint64_t runs = variable("REDLINE_PROPERTY_RUNS", 300);
  const SlotMap map = threeNodes();
  for (std::uint64_t seed = first; seed < first + runs && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("to repeat it: REDLINE_PROPERTY_RUNS=1 REDLINE_PROPERTY_SEED=" +
                 std::to_string(seed));
    loadAtRandom(seed, map);
  }
}

}  // namespace
}  // namespace redline
