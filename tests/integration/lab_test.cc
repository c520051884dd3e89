// The lab as a user runs it: real servers, tiny runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "rundir/experiment.h"
#include "rundir/files.h"
#include "server/process.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using test::Redline;
using test::TemporaryDirectory;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr std::size_t kRuns = 8;

std::vector<std::string> tinyLab(const fs::path& out) {
  return {"lab",
          "run",
          "pipelining",
          "-repeat=1",
          "-set=keys=1k; conns=4; batches=1,8,16; tx-batches=8; hot-batches=16; victims=4; "
          "victim-rate=1k; neighbour-rate=2k; neighbour-batches=16; warmup=0; duration=50ms; "
          "beside-duration=50ms",
          std::string("-experiments=") + REDLINE_SOURCE_DIR + "/experiments",
          "-out=" + out.string()};
}

std::vector<std::string> settings(const TemporaryDirectory& home) {
  return {"REDLINE_HOME=" + (home.path() / "state").string()};
}

Result<ExperimentDocument> documentIn(const fs::path& out) {
  const fs::path file = out / "pipelining" / kExperimentFile;
  const auto text = readWholeFile(file);
  if (!text) return fail(text.error());
  return experimentFromJson(*text, file.native());
}

std::size_t linesIn(const fs::path& file) {
  const auto text = readWholeFile(file);
  return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
}

TEST(Lab, CarriesOutAnExperimentAndReportsIt) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline lab(home, tinyLab(out), settings(home));
  ASSERT_EQ(lab.wait(), 0) << lab.err();
  const auto document = documentIn(out);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->state, ExperimentState::done);
  EXPECT_THAT(document->runs, SizeIs(kRuns));
  for (const RunRecord& run : document->runs) {
    EXPECT_EQ(run.state, RunState::done) << run.name << ": " << run.reason;
    EXPECT_THAT(run.commands, Not(IsEmpty()));
    for (const std::string& directory : run.directories)
      EXPECT_TRUE(fs::exists(out / "pipelining" / directory / "summary.json")) << directory;
  }
  EXPECT_THAT(document->findings, Not(IsEmpty()));
  EXPECT_THAT(lab.err(), HasSubstr("ETA"));

  Redline again(home, tinyLab(out), settings(home));
  EXPECT_EQ(again.wait(), 2);
  EXPECT_THAT(again.error(), HasSubstr("-resume"));

  Redline report(home, {"report", out.string()}, settings(home));
  EXPECT_EQ(report.wait(), 0) << report.err();
  EXPECT_TRUE(fs::exists(out / "report.html"));
  EXPECT_TRUE(fs::exists(out / "FINDINGS.md"));
}

TEST(Lab, KilledInTheMiddleLeavesNoServerAndGoesOnWhereItWas) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  const fs::path journal = out / "pipelining" / "runs.jsonl";
  Redline killed(home, tinyLab(out), settings(home));
  ASSERT_TRUE(eventually([&] { return linesIn(journal) >= 2; })) << killed.err();
  killed.kill();
  EXPECT_TRUE(eventually([&] {
    return processesIn(home.path() / "state", [](std::string_view) { return true; }).empty();
  }));
  {
    Redline down(home, {"stack", "down"}, settings(home));
    EXPECT_EQ(down.wait(), 0) << down.err();
    EXPECT_THAT(down.out(), HasSubstr("cleared away"));
    EXPECT_TRUE(fs::is_empty(home.path() / "state" / "lab"));
  }
  const auto before = documentIn(out);
  ASSERT_TRUE(before) << before.error().message;
  EXPECT_EQ(before->state, ExperimentState::running);
  {
    Redline report(home, {"report", out.string()}, settings(home));
    EXPECT_EQ(report.wait(), 0) << report.err();
  }

  auto resume = tinyLab(out);
  resume.emplace_back("-resume");
  Redline resumed(home, resume, settings(home));
  ASSERT_EQ(resumed.wait(), 0) << resumed.err();
  const auto after = documentIn(out);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->state, ExperimentState::done);
  EXPECT_THAT(after->runs, SizeIs(kRuns));
  EXPECT_LE(linesIn(journal), kRuns) << "a run that was complete was made again";
}

TEST(Lab, RefusesParametersThatDoNotFit) {
  const TemporaryDirectory home;
  Redline lab(home, {"lab", "run", "pipelining", "-set=batchs=1", "-out=" + home.path().string()},
              settings(home));
  EXPECT_EQ(lab.wait(), 2);
  EXPECT_THAT(lab.error(), HasSubstr("did you mean batches?"));
}

}  // namespace
}  // namespace redline
