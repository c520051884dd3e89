#include "cmd/experiment_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/files.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(ExperimentFiles, AreLookedForHereThenInstalledThenInTheSourceTree) {
  EXPECT_THAT(experimentPlaces("", "/usr/bin/redline"),
              ElementsAre("experiments", "/usr/share/redline/experiments", "/experiments"));
  EXPECT_THAT(
      experimentPlaces("", "/src/build/release/redline"),
      ElementsAre("experiments", "/src/build/share/redline/experiments", "/src/experiments"));
}

TEST(ExperimentFiles, AreLookedForNowhereElseThanTheFlagSays) {
  EXPECT_THAT(experimentPlaces("mine", "/usr/bin/redline"), ElementsAre("mine"));
}

TEST(ExperimentFiles, TheFirstPlaceThatHasTheFileCounts) {
  const TemporaryDirectory directory;
  const fs::path first = directory.path() / "first", second = directory.path() / "second";
  ASSERT_TRUE(createDirectory(first));
  ASSERT_TRUE(createDirectory(second));
  ASSERT_TRUE(writeWholeFile(second / "fsync.toml", ""));
  EXPECT_EQ(findExperimentFile("fsync", {first, second}).value(), second / "fsync.toml");
  const auto none = findExperimentFile("ceiling", {first, second});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr(first.string()));
}

}  // namespace
}  // namespace redline
