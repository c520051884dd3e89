// The complete example of docs/adding-an-experiment.md is what smallest_experiment.cc has, and
// works.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lab/study.h"
#include "os/files.h"
#include "support/paths.h"
#include "unit/lab/analysis.h"
#include "unit/lab/readings_builder.h"

namespace redline {

Experiment batchGainExperiment();

namespace smallest_test {
namespace {

std::string document() {
  return readWholeFile(REDLINE_SOURCE_DIR "/docs/adding-an-experiment.md").value_or("");
}

/// What stands in the example's section after this fence, up to the next.
std::string blockAfter(const std::string& fence) {
  const std::string text = document();
  std::size_t begin = text.find("## The smallest one, complete");
  begin = begin == std::string::npos ? begin : text.find("```" + fence + "\n", begin);
  if (begin == std::string::npos) return {};
  begin += fence.size() + 4;
  return text.substr(begin, text.find("```", begin) - begin);
}

Result<Parameters> quick() {
  return readParameters(batchGainExperiment().parameters, "batch-gain.toml", blockAfter("toml"),
                        Profile::quick);
}

TEST(SmallestExperiment, OfTheDocumentIsTheFileThatIsCompiled) {
  EXPECT_EQ(
      blockAfter("cpp"),
      readWholeFile(REDLINE_SOURCE_DIR "/tests/unit/lab/smallest_experiment.cc").value_or("none"));
}

TEST(SmallestExperiment, HasATomlAndPlansItsRuns) {
  const auto parameters = quick();
  ASSERT_TRUE(parameters) << parameters.error().message;
  const auto plan = lab::planOf(batchGainExperiment(), *parameters);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->runs.size(), 2 * parameters->repeats());
}

TEST(SmallestExperiment, FindsWhatItsRunsMeasured) {
  const auto parameters = quick();
  ASSERT_TRUE(parameters) << parameters.error().message;
  Readings readings;
  for (const int repeat : {1, 2, 3})
    for (const auto& [batch, rate] : {std::pair("1", 100e3), std::pair("16", 500e3)}) {
      ReadingBuilder run({{"batch", batch}}, repeat);
      run.summary().rate.achieved = rate * (1 + 0.01 * repeat);
      readings.add(run.build());
    }
  const auto found = analysisOf(batchGainExperiment(), *parameters, readings);
  EXPECT_THAT(found.findings, finds("batch-gain", Standing::expected, "5×"));
  EXPECT_EQ(found.answer, "Batches of 16 multiply throughput by 5×");
  EXPECT_THAT(found.recommendations, testing::SizeIs(1));
}

}  // namespace
}  // namespace smallest_test
}  // namespace redline
