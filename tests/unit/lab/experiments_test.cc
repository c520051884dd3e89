// Holds for every experiment of the catalog; a new one needs no line here.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "lab/catalog.h"
#include "lab/study.h"
#include "record/slo.h"
#include "unit/lab/experiment_parameters.h"

namespace redline {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EachExperiment : public testing::TestWithParam<std::size_t> {
 protected:
  const Experiment& experiment() const { return experiments()[GetParam()]; }
};

TEST_P(EachExperiment, HasATomlThatFitsItInEveryProfile) {
  for (const Profile profile : {Profile::quick, Profile::standard, Profile::full}) {
    const auto parameters = parametersOf(experiment(), profile);
    ASSERT_TRUE(parameters) << parameters.error().message;
    if (experiment().check != nullptr) {
      const auto sound = experiment().check(*parameters);
      EXPECT_TRUE(sound) << sound.error().message;
    }
  }
}

TEST_P(EachExperiment, PlansRunsWithNamesOfTheirOwnOnStacksThatItHas) {
  for (const Profile profile : {Profile::quick, Profile::standard, Profile::full}) {
    const auto plan = lab::planOf(experiment(), *parametersOf(experiment(), profile));
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_THAT(plan->runs, Not(IsEmpty()));
    std::set<std::string> names, stacks;
    for (const LabStack& stack : plan->stacks) EXPECT_TRUE(stacks.insert(stack.name).second);
    for (const LabRun& run : plan->runs) {
      EXPECT_TRUE(names.insert(run.name).second) << run.name;
      EXPECT_TRUE(stacks.contains(run.stack)) << run.name;
      EXPECT_THAT(run.labels, Not(IsEmpty())) << run.name;
      EXPECT_TRUE(!run.drives.empty() || run.before || run.after) << run.name;
    }
  }
}

/// The driver compares the times to live that it finds with those that its flags describe.
TEST_P(EachExperiment, DrivesTheTimesToLiveThatItLoads) {
  for (const Profile profile : {Profile::quick, Profile::standard, Profile::full}) {
    const auto plan = lab::planOf(experiment(), *parametersOf(experiment(), profile));
    ASSERT_TRUE(plan) << plan.error().message;
    for (const LabRun& run : plan->runs) {
      const auto stack = std::ranges::find(plan->stacks, run.stack, &LabStack::name);
      ASSERT_NE(stack, plan->stacks.end());
      for (const std::string& flag : stack->load) {
        if (!flag.starts_with("-ttl-min=") && !flag.starts_with("-ttl-max=")) continue;
        for (const Drive& drive : run.drives) EXPECT_THAT(drive.flags, Contains(flag)) << run.name;
      }
    }
  }
}

TEST_P(EachExperiment, PredictsFiguresThatAreNumbersInEveryProfile) {
  for (const Profile profile : {Profile::quick, Profile::standard, Profile::full})
    for (const LabPrediction& one :
         lab::predictionsOf(experiment(), *parametersOf(experiment(), profile)))
      EXPECT_TRUE(std::isfinite(one.predicted)) << one.what;
}

TEST_P(EachExperiment, CopesWithNoRunsAtAll) {
  ExperimentDocument document;
  lab::analyse(experiment(), *parametersOf(experiment(), Profile::quick), {}, document);
  for (const SloOutcome& outcome : document.slo)
    EXPECT_NE(outcome.verdict, SloVerdict::met) << outcome.id;
}

TEST_P(EachExperiment, CopesWithRunsThatAllFailed) {
  const auto parameters = parametersOf(experiment(), Profile::quick);
  const auto plan = lab::planOf(experiment(), *parameters);
  Readings readings;
  for (const LabRun& run : plan->runs) {
    Reading reading;
    reading.record.name = run.name;
    reading.record.labels = run.labels;
    reading.record.state = RunState::failed;
    readings.add(std::move(reading));
  }
  ExperimentDocument document;
  lab::analyse(experiment(), *parameters, readings, document);
  for (const SloOutcome& outcome : document.slo)
    EXPECT_NE(outcome.verdict, SloVerdict::met) << outcome.id;
}

TEST_P(EachExperiment, CopesWithRunsThatLeftNothing) {
  const auto parameters = parametersOf(experiment(), Profile::quick);
  Readings readings;
  const auto plan = lab::planOf(experiment(), *parameters);
  for (const LabRun& run : plan->runs) {
    Reading reading;
    reading.record.name = run.name;
    reading.record.labels = run.labels;
    readings.add(std::move(reading));
  }
  ExperimentDocument document;
  lab::analyse(experiment(), *parameters, readings, document);
  for (const LabFinding& finding : document.findings) {
    EXPECT_THAT(finding.text, Not(HasSubstr("nan")));
    EXPECT_THAT(finding.text, Not(HasSubstr("inf")));
  }
}

TEST_P(EachExperiment, SaysWhatItAsksAndWhatEachParameterIs) {
  EXPECT_THAT(experiment().title, Not(IsEmpty()));
  EXPECT_THAT(experiment().question, Not(IsEmpty()));
  for (const ParameterSpec& spec : experiment().parameters)
    EXPECT_THAT(spec.help, Not(IsEmpty())) << spec.name;
}

INSTANTIATE_TEST_SUITE_P(Catalog, EachExperiment,
                         testing::Range<std::size_t>(0, experiments().size()), [](const auto& at) {
                           std::string name(experiments()[at.param].name);
                           std::erase(name, '-');
                           return name;
                         });

TEST(Catalog, SuggestsTheNameThatWasMeant) {
  EXPECT_THAT(findExperiment("pipelinig").error().message, HasSubstr("did you mean pipelining?"));
}

TEST(InTurn, VisitsEveryCellOfARepeatBeforeTheNextInOrdersOfTheirOwn) {
  const auto factor = lab::Study::factor("condition", {"0", "1", "2"});
  const auto ordersOf = [&] {
    std::vector<std::string> orders(8);
    lab::Study::inTurn(
        lab::gridOf("", {factor}).cells, 8,
        [&](const lab::Cell& cell, unsigned repeat) { orders[repeat - 1] += cell.name(); });
    return orders;
  };
  const auto orders = ordersOf();
  EXPECT_EQ(orders, ordersOf());
  for (std::string order : orders) {
    std::ranges::sort(order);
    EXPECT_EQ(order, "012");
  }
  EXPECT_GT(std::set(orders.begin(), orders.end()).size(), 3U);
}

}  // namespace
}  // namespace redline
