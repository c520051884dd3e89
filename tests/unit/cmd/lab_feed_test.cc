#include "cmd/lab_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace redline {
namespace {

using nlohmann::json;
using testing::SizeIs;

/// A lab of two experiments, and what a browser is told of it.
struct ToldLab {
  std::vector<json> all(const std::string& name) const {
    std::vector<json> found;
    for (const EventFeed::Frame& frame : feed.after(0, 1 << 30).frames)
      if (frame->find("event: " + name + "\n") != std::string::npos)
        found.push_back(json::parse(frame->substr(frame->find("data: ") + 6)));
    return found;
  }
  json now() const { return all("lab").back(); }

  ManualClock clock;
  EventFeed feed{"f", clock};
  LabFeed lab{feed, {{"fsync", "What fsync costs", 100}, {"big-key", "Big keys", 50}}};
};

LabStep stepOf(LabStep::What what, std::size_t number) {
  return {.what = what, .number = number, .of = 3, .title = "always, repeat 1", .leftS = 60};
}

TEST(LabFeed, TellsOfAllExperimentsBeforeTheFirst) {
  const ToldLab told;
  EXPECT_THAT(told.now()["experiments"], SizeIs(2));
  EXPECT_EQ(told.now()["experiments"][1]["title"], "Big keys");
  EXPECT_EQ(told.now()["experiments"][1]["state"], "waiting");
  EXPECT_EQ(told.now()["left_s"], 150);
  EXPECT_EQ(told.now()["experiment"], 0);
}

TEST(LabFeed, TellsWhereTheLabIsAndHowLongItTakesStill) {
  ToldLab told;
  told.lab.begin();
  told.lab.step(stepOf(LabStep::What::begins, 2));
  told.lab.activity("loading 3M keys");
  const json now = told.now();
  EXPECT_EQ(now["experiment"], 1);
  EXPECT_EQ(now["experiments"][0]["state"], "running");
  EXPECT_EQ(now["run"], 2);
  EXPECT_EQ(now["runs"], 3);
  EXPECT_EQ(now["title"], "always, repeat 1");
  EXPECT_EQ(now["activity"], "loading 3M keys");
  EXPECT_EQ(now["left_s"], 110) << "60 s of this experiment, 50 of the next";
  EXPECT_THAT(told.all("lab"), SizeIs(1)) << "the latest only";
  EXPECT_TRUE(told.all("done").empty());
}

TEST(LabFeed, ListsEveryRunThatIsOver) {
  ToldLab told;
  told.lab.begin();
  LabStep done = stepOf(LabStep::What::done, 1);
  done.result = "726k/s, p99 1.4 ms";
  done.tookS = 12;
  told.lab.step(done);
  LabStep disturbed = stepOf(LabStep::What::disturbed, 2);
  disturbed.reason = "core taken";
  told.lab.step(disturbed);
  const auto runs = told.all("done");
  ASSERT_THAT(runs, SizeIs(2));
  EXPECT_EQ(runs[0]["experiment"], "fsync");
  EXPECT_EQ(runs[0]["state"], "done");
  EXPECT_EQ(runs[0]["result"], "726k/s, p99 1.4 ms");
  EXPECT_EQ(runs[0]["took_s"], 12);
  EXPECT_EQ(runs[1]["state"], "disturbed");
  EXPECT_EQ(runs[1]["reason"], "core taken");
}

TEST(LabFeed, SaysHowAnExperimentEnded) {
  ToldLab told;
  told.lab.begin();
  LabOutcome outcome;
  outcome.done = 3;
  told.lab.end(outcome);
  EXPECT_EQ(told.now()["experiments"][0]["state"], "done");
  told.lab.begin();
  outcome.failed = 1;
  told.lab.end(outcome);
  EXPECT_EQ(told.now()["experiments"][1]["state"], "failed");
  EXPECT_EQ(told.now()["left_s"], 0);
}

}  // namespace
}  // namespace redline
