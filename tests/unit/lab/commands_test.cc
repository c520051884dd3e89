#include "lab/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::ElementsAre;

TEST(LabCommands, PutThePlacesIn) {
  const FlagPlaces places{"127.0.0.1:7600", "unix:/x", {"0", "1"}};
  EXPECT_THAT(filled({"-addr={addr}", "-cpus={generator-cpu}", "-rate=10k"}, places),
              ElementsAre("-addr=127.0.0.1:7600", "-cpus=1", "-rate=10k"));
}

TEST(LabCommands, NameSingleNodesAndForPeopleBehindTheirQuotes) {
  const Flags flags{"-chaos=1s:reshard -slots=0-9 -target={node-1}"};
  EXPECT_THAT(filled(flags, {"a:1,b:2", "unix:/x", {}, {"a:1", "b:2"}}),
              ElementsAre("-chaos=1s:reshard -slots=0-9 -target=b:2"));
  EXPECT_EQ(
      driverCommand(filled(flags, placesForPeople({}))),
      "redline driver '-chaos=1s:reshard -slots=0-9 -target='\"$(echo $ADDR | cut -d, -f2)\"''");
}

TEST(LabCommands, ACpuThatWasNotGivenOutTakesItsFlagAlong) {
  const FlagPlaces places{"a:1", "unix:/x", {}};
  EXPECT_THAT(filled({"-cpus={generator-cpu}", "-rate=10k"}, places), ElementsAre("-rate=10k"));
  EXPECT_THAT(filled({"-master-cpus={server-cpu};{generator-cpu}"}, places), ElementsAre());
}

TEST(LabCommands, WhatAnExperimentSaysItselfIsNotAddedAgain) {
  EXPECT_THAT(clientFlags({"--addr={unix}", "-cpus=3"}), ElementsAre("--addr={unix}", "-cpus=3"));
  EXPECT_THAT(clientFlags({}), ElementsAre("-addr={addr}", "-cpus={generator-cpu}"));
  EXPECT_THAT(stackFlags({"node", "-server-cpus=2"}), ElementsAre("node", "-server-cpus=2"));
  EXPECT_THAT(
      stackFlags({"node", "-backing=postgres", "-postgres-cpus=0"}),
      ElementsAre("node", "-backing=postgres", "-postgres-cpus=0", "-server-cpus={server-cpu}"));
}

TEST(LabCommands, KeepTheStoreOffTheServersCore) {
  EXPECT_THAT(stackFlags({"node", "-backing=postgres"}),
              ElementsAre("node", "-backing=postgres", "-server-cpus={server-cpu}",
                          "-postgres-cpus={generator-cpu}"));
}

TEST(LabCommands, OfPeopleUseVariablesForWhatChanges) {
  const FlagPlaces people = placesForPeople({"0", "1"});
  EXPECT_EQ(driverCommand(filled(clientFlags({"-chaos=5s:bgsave", "-rate=10k"}), people)),
            "redline driver -addr=$ADDR -chaos=5s:bgsave -rate=10k -cpus=1");
  EXPECT_EQ(stackCommand(filled(stackFlags({"node", "-redis-config=appendonly yes"}), people)),
            "ADDR=$(redline stack up node '-redis-config=appendonly yes' -server-cpus=0 -name=lab "
            "-port=0 -format=addr | paste -sd,)");
}

}  // namespace
}  // namespace redline
