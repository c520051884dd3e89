#include "chaos/failover_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A master "v" with all slots, its replica "r", and another master "m"; as r and m see it.
struct Scene {
  ClusterMember victim;
  std::vector<NodeReading> readings{2};  // r's and m's

  Scene() {
    victim.id = "v";
    victim.master = true;
    victim.slots = {{0, 99}};
    for (std::size_t i = 0; i < 2; ++i) {
      readings[i].endpoint = {"127.0.0.1", static_cast<std::uint16_t>(7701 + i), {}};
      readings[i].info = {{"cluster_state", "ok"}, {"cluster_current_epoch", "5"}};
      ClusterMember replica, other;
      replica.id = "r";
      replica.masterId = "v";
      replica.myself = i == 0;
      other.id = "m";
      other.master = true;
      other.myself = i == 1;
      other.slots = {{100, 199}};
      readings[i].view.nodes = {victim, replica, other};
    }
  }
  ClusterMember& seen(std::size_t by, std::size_t node) { return readings[by].view.nodes[node]; }
  void promote(std::size_t by) {
    seen(by, 0).slots.clear();
    seen(by, 1).master = true;
    seen(by, 1).slots = {{0, 99}};
  }
};

TEST(FailoverWatch, NotesEachStepOnceAndWhenItCame) {
  Scene scene;
  FailoverWatch watch(scene.victim, 5);
  EXPECT_THAT(watch.look(scene.readings, 10), IsEmpty());
  scene.seen(1, 0).suspected = true;
  EXPECT_THAT(watch.look(scene.readings, 20), ElementsAre("suspected"));
  EXPECT_THAT(watch.look(scene.readings, 25), IsEmpty());
  scene.seen(1, 0).suspected = false;
  scene.seen(1, 0).failed = scene.seen(0, 0).failed = true;
  for (NodeReading& reading : scene.readings) reading.info["cluster_state"] = "fail";
  EXPECT_THAT(watch.look(scene.readings, 30), ElementsAre("failed"));
  scene.readings[0].info["cluster_current_epoch"] = "6";
  EXPECT_THAT(watch.look(scene.readings, 40), ElementsAre("election"));
  scene.promote(0);
  EXPECT_THAT(watch.look(scene.readings, 50), ElementsAre("promoted"));
  scene.promote(1);
  scene.readings[0].info["cluster_state"] = "ok";
  EXPECT_THAT(watch.look(scene.readings, 60), IsEmpty());  // the other still refuses
  scene.readings[1].info["cluster_state"] = "ok";
  EXPECT_THAT(watch.look(scene.readings, 70), ElementsAre("recovered"));
  const FailoverSteps& steps = watch.steps();
  EXPECT_EQ(steps.suspected, 20);
  EXPECT_EQ(steps.failed, 30);
  EXPECT_EQ(steps.election, 40);
  EXPECT_EQ(steps.promoted, 50);
  EXPECT_EQ(steps.recovered, 70);
  EXPECT_EQ(steps.successor.port, 7701);
}

TEST(FailoverWatch, SeesStepsThatCameTogether) {
  Scene scene;
  FailoverWatch watch(scene.victim, 5);
  for (std::size_t by = 0; by < 2; ++by) {
    scene.seen(by, 0).failed = true;
    scene.promote(by);
    scene.readings[by].info["cluster_current_epoch"] = "6";
  }
  EXPECT_THAT(watch.look(scene.readings, 30),
              ElementsAre("suspected", "failed", "election", "promoted", "recovered"));
}

TEST(FailoverWatch, DoesNotTakeOverHalfForARecovery) {
  Scene scene;
  FailoverWatch watch(scene.victim, 5);
  scene.promote(0);
  scene.seen(0, 1).slots = {{0, 50}};
  watch.look(scene.readings, 30);
  EXPECT_FALSE(watch.steps().promoted);
}

}  // namespace
}  // namespace redline
