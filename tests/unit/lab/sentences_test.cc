// What the report says, over the runs that are committed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "lab/catalog.h"
#include "lab/experiment_document.h"
#include "lab/lab_dir.h"
#include "support/paths.h"
#include "support/temporary_directory.h"
#include "unit/lab/crowded_sentences.h"
#include "unit/lab/experiment_parameters.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<double> valuesIn(std::string_view text) {
  std::vector<double> values;
  for (const ReadNumber& number : numbersIn(text)) values.push_back(number.value);
  return values;
}

TEST(Sentences, NumbersAreReadWithTheirUnits) {
  EXPECT_THAT(valuesIn("p99 is 1.5 ms, of 74.2k/s 80.0%."), ElementsAre(0.0015, 74.2e3, 0.8));
  EXPECT_THAT(valuesIn("4KB, 4 KB and 100 B; 2.85× in 3."), ElementsAre(4096, 4096, 100, 2.85, 3));
  EXPECT_THAT(valuesIn("batch-16, -conns=200, p99.9, b0"), IsEmpty());
}

TEST(Sentences, ThoseWithThreeFiguresAreFound) {
  ExperimentDocument document;
  document.parameters = {{"load-share", "0.8"}, {"value-sizes", "100, 4KB"}};
  document.findings = {
      {"full",
       Standing::plain,
       "It is 3 s here, 4 s there. Then 5 s, 6 s [1 s – 7 s] and 7 s",
       "",
       false,
       {}},
      {"settings",
       Standing::plain,
       "With 4 KB 5 of 6 runs have a p99 below 1 ms and 7 s",
       "",
       false,
       {}},
  };
  EXPECT_THAT(crowdedSentences(document), ElementsAre("finding full: Then 5 s, 6 s and 7 s"));
}

/// What this code makes of the committed runs of an experiment, by the parameters of today.
ExperimentDocument analysedAgain(const Experiment& experiment, Profile profile,
                                 const fs::path& runs) {
  const auto parameters = parametersOf(experiment, profile);
  EXPECT_TRUE(parameters) << parameters.error().message;
  const auto dir = LabDir::open(runs, true);
  EXPECT_TRUE(dir) << dir.error().message;
  Readings readings;
  for (const RunRecord& record : dir->records())  // the last one of each name stands
    readings.replace(dir->read(record));
  ExperimentDocument document = emptyDocument(experiment, *parameters, {});
  addReadings(experiment, *parameters, readings, document);
  return document;
}

class CommittedResults : public testing::TestWithParam<Profile> {};

TEST_P(CommittedResults, AreToldInSentencesOfTwoFiguresAtMost) {
  const fs::path results = fs::path(REDLINE_SOURCE_DIR) / "results" / nameOf(GetParam());
  for (const Experiment& experiment : experiments()) {
    if (!fs::exists(results / experiment.name)) continue;
    const TemporaryDirectory copy;  // a lab's directory is claimed by whoever reads it
    fs::copy(results / experiment.name, copy.path(), fs::copy_options::recursive);
    EXPECT_THAT(crowdedSentences(analysedAgain(experiment, GetParam(), copy.path())), IsEmpty())
        << experiment.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Profiles, CommittedResults,
                         testing::Values(Profile::quick, Profile::standard),
                         [](const auto& of) { return std::string(nameOf(of.param)); });

}  // namespace
}  // namespace redline
