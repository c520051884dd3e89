// `redline compare` as a script sees it: directories in, an exit code out. No server is involved.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cmd/command.h"
#include "cmd/dispatch.h"
#include "os/files.h"
#include "record/interval.h"
#include "record/latency_figures.h"
#include "rundir/experiment.h"
#include "rundir/run_dir.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Compare : public testing::Test {
 protected:
  void SetUp() override { root_ = directory_.path() / "runs"; }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  /// A run of eight seconds, a thousand operations of about `us` in each.
  void makeRun(const std::string& name, Nanos us, bool valid = true) {
    auto writer = RunDirWriter::create(root_ / name);
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE(writer->writePlan({}));
    Interval total;
    for (Nanos second = 0; second < 8; ++second) {
      Interval interval;
      interval.reset(second * kSecond, (second + 1) * kSecond);
      for (std::size_t m = 0; m < kMeasures; ++m) {
        Histogram& histogram = interval.latency[m][index(OpKind::get)];
        histogram.record((us + second % 3) * kMicrosecond, 1'000);
      }
      interval.counts.scheduled = 1'000;
      interval.counts.completed[index(OpKind::get)] = 1'000;
      interval.counts.hits = 1'000;
      ASSERT_TRUE(writer->appendInterval(interval));
      total.follow(interval);
    }
    Summary summary;
    summary.valid = valid;
    if (!valid) summary.invalidReasons = {{ReasonCode::stolenTime, "steal"}};
    summary.windowS = 8;
    summary.rate.achieved = 1'000;
    summary.rate.completed = summary.rate.scheduled = 8'000;
    summary.cache.hits = 8'000;
    summary.cache.hitRate = 1;
    for (std::size_t m = 0; m < kMeasures; ++m)
      summary.latency[std::string(kMeasureNames[m])]["all"] =
          figuresOf(total.latency[m][index(OpKind::get)]);
    ASSERT_TRUE(writer->writeSummary(summary));
  }

  /// Runs `redline compare` and keeps what it printed.
  int compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"redline", "compare"});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = dispatch(arguments, {});
    out_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return code;
  }

  TemporaryDirectory directory_;
  fs::path root_;
  std::string out_, error_;
};

TEST_F(Compare, OfRunsThatAreAlikeIsGood) {
  makeRun("a", 200);
  makeRun("b", 201);
  EXPECT_EQ(compare({path("a"), path("b"), "-fail-if=p99>+10%"}), 0) << error_;
  EXPECT_THAT(out_, HasSubstr("no evidence of a difference"));
  EXPECT_THAT(out_, HasSubstr("ok: p99>+10%"));
}

TEST_F(Compare, ExitsWithFourWhenAConditionHolds) {
  makeRun("a", 200);
  makeRun("b", 300);
  EXPECT_EQ(compare({path("a"), path("b")}), 0);
  EXPECT_EQ(compare({path("a"), path("b"), "-fail-if=achieved<-5%,p99>+10%"}), 4) << error_;
  EXPECT_THAT(out_, HasSubstr("FAILED: p99>+10%"));
}

TEST_F(Compare, ExitsWithThreeWhenARunIsInvalidWhateverTheConditionsSay) {
  makeRun("a", 200);
  makeRun("b", 300, false);
  EXPECT_EQ(compare({path("a"), path("b"), "-fail-if=p99>+10%"}), 3);
  EXPECT_THAT(out_, HasSubstr("INVALID"));
}

TEST_F(Compare, ExitsWithTwoOnAConditionThatCannotBeRead) {
  makeRun("a", 200);
  EXPECT_EQ(compare({path("a"), path("a"), "-fail-if=p98>+10%"}), 2);
  EXPECT_THAT(error_, HasSubstr("there is no metric 'p98'"));
  EXPECT_EQ(compare({path("a")}), 2);
}

TEST_F(Compare, ExitsWithOneWhenThereIsNothingToRead) {
  makeRun("a", 200);
  fs::create_directories(root_ / "empty");
  EXPECT_EQ(compare({path("a"), path("nosuch")}), 1);
  EXPECT_EQ(compare({path("a"), path("empty")}), 1);
  EXPECT_THAT(error_, HasSubstr("none below it"));
}

TEST_F(Compare, TakesAllRunsBelowADirectoryAsRepeats) {
  for (const char* run : {"a/1", "a/2", "a/3"}) makeRun(run, 200);
  for (const char* run : {"b/1", "b/2"}) makeRun(run, 300);
  EXPECT_EQ(compare({path("a"), path("b/1") + "," + path("b/2"), "-fail-if=p99>+10%"}), 4)
      << error_;
  EXPECT_THAT(out_, HasSubstr("(3 runs)"));
  EXPECT_THAT(out_, HasSubstr("(2 runs)"));
}

TEST_F(Compare, TakesALabsConditionByItsLabels) {
  ExperimentDocument document;
  document.name = "fsync";
  for (const char* policy : {"no", "always"})
    for (const char* repeat : {"1", "2"}) {
      RunRecord record;
      record.name = std::string(policy) + repeat;
      record.labels = {{"policy", policy}, {"repeat", repeat}};
      record.directories = {record.name};
      document.runs.push_back(record);
      makeRun("lab/" + record.name, record.labels[0].second == "no" ? 200 : 400);
    }
  ASSERT_TRUE(writeWholeFile(root_ / "lab" / kExperimentFile, experimentToJson(document)));
  EXPECT_EQ(compare({path("lab:policy=no"), path("lab:policy=always"), "-fail-if=p99>+50%"}), 4)
      << error_;
  EXPECT_THAT(out_, HasSubstr("(2 runs)"));
  EXPECT_EQ(compare({path("lab:policy=nope"), path("lab:policy=always")}), 2);
  EXPECT_THAT(error_, HasSubstr("policy=always"));
}

TEST_F(Compare, WritesJson) {
  makeRun("a", 200);
  makeRun("b", 201);
  const std::string file = path("comparison.json");
  EXPECT_EQ(compare({path("a"), path("b"), "-json=" + file}), 0) << error_;
  const auto json = readWholeFile(file);
  ASSERT_TRUE(json);
  EXPECT_THAT(*json, HasSubstr("\"evidence\": \"blocks\""));
}

}  // namespace
}  // namespace redline
