#include "report/lab_blame.h"
#include "os/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "support/paths.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kRun = fs::path(REDLINE_SOURCE_DIR) / "tests" / "golden" / "report" / "run";

/// A lab of one experiment whose runs are copies of the golden one, in which one interval stands
/// out: 0.25 s of 3 s.
class LabBlameOf : public testing::Test {
 protected:
  void add(const std::string& name) {
    fs::create_directories(home_);
    fs::copy(kRun, home_ / name, fs::copy_options::recursive);
    RunRecord record;
    record.name = name;
    record.directories = {name};
    experiment_.runs.push_back(record);
  }

  /// As a closed loop leaves it: without a rate that was asked for.
  void makeClosed(const std::string& name) { setTarget(name, "0"); }
  void setTarget(const std::string& name, const std::string& rate) {
    const fs::path path = home_ / name / "summary.json";
    const auto text = readWholeFile(path);
    ASSERT_TRUE(text);
    const std::string made =
        std::regex_replace(*text, std::regex(R"("target": [0-9.]+)"), "\"target\": " + rate);
    ASSERT_NE(made, *text);
    ASSERT_TRUE(writeWholeFile(path, made));
  }

  std::map<std::string, LabBlame> blame() const {
    return blameOfLab(directory_.path(), {experiment_});
  }

  TemporaryDirectory directory_;
  fs::path home_ = directory_.path() / "one";
  ExperimentDocument experiment_ = [] {
    ExperimentDocument document;
    document.name = "one";
    return document;
  }();
};

TEST_F(LabBlameOf, SumsUpTheRunsWithSlowIntervals) {
  add("a-r1");
  add("a-r2");
  const auto all = blame();
  ASSERT_TRUE(all.contains("one"));
  EXPECT_THAT(all.at("one").finding.text,
              AllOf(HasSubstr("in 2 of 2 open-model runs"), HasSubstr("0.5 s of 6.0 s"),
                    HasSubstr("98.0% of the extra latency was queueing"),
                    HasSubstr("server, and the queue behind it 0.5 s")));
  EXPECT_EQ(all.at("one").finding.id, "blame");
  EXPECT_THAT(all.at("one").finding.runs, ElementsAre("a-r1", "a-r2"));
  EXPECT_EQ(all.at("one").table.rows.size(), 1U) << "only of the run with the most waiting";
  EXPECT_THAT(all.at("one").picture.title, HasSubstr("a-r1"));
}

TEST_F(LabBlameOf, ShowsNoRunThatWasOfferedMoreThanTheServerCanDo) {
  add("a-r1");
  add("a-r2");
  setTarget("a-r1", "900000");
  EXPECT_THAT(blame().at("one").picture.title, HasSubstr("a-r2"));
  EXPECT_THAT(blame().at("one").finding.text, HasSubstr("in 2 of 2 open-model runs"));
}

TEST_F(LabBlameOf, PassesOverWhatHasNoIntervalsOrIsAClosedLoop) {
  add("a-r1");
  add("a-r2");
  fs::remove(home_ / "a-r1" / "intervals.csv");
  EXPECT_THAT(blame().at("one").finding.text, HasSubstr("in 1 of 1 open-model runs"));
  makeClosed("a-r2");
  EXPECT_TRUE(blame().empty());
}

}  // namespace
}  // namespace redline
