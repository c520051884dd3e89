// Printing that fails never costs what was measured, and a result that nobody got is a failure.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>

#include "os/files.h"
#include "support/real_redis.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::runShell;
using test::ShellEnd;
using test::startRedis;
using test::TemporaryDirectory;
using testing::HasSubstr;

/// 3: the machine was busy.
const auto kPrinted = testing::AnyOf(0, 3);

/// A driver on a small server, whose run directory is $PWD/run.
class PrintingDriver : public testing::Test {
 protected:
  void SetUp() override {
    redis_ = startRedis();
    ASSERT_TRUE(redis_);
  }

  std::string driver(const std::string& more,
                     const std::string& times = "-duration=300ms -interval=50ms") const {
    return fmt::format("$R driver -addr={} -keys=1000 -rate=1000 -warmup=0 -out=run {} {}",
                       redis_->endpoint().text(), times, more);
  }
  /// The run was measured to its end and its files are complete.
  void expectMeasured(int scheduled = 300) const {
    const std::string summary = readWholeFile(home_.path() / "run/summary.json").value_or("");
    EXPECT_THAT(summary, HasSubstr(fmt::format("\"scheduled\": {}", scheduled)));
  }

  std::optional<ScopedStack> redis_;
  TemporaryDirectory home_;
};

TEST_F(PrintingDriver, WithoutRoomForItsNotesMeasuresAndSucceeds) {
  const ShellEnd ended = runShell(home_.path(), driver("2>/dev/full"));
  EXPECT_THAT(ended.code, kPrinted);
  EXPECT_THAT(ended.out, HasSubstr("300 scheduled"));
  expectMeasured();
}

TEST_F(PrintingDriver, WhoseNotesNobodyReadsAnyMoreMeasures) {
  for (const char* const signals : {"", "trap '' PIPE; "}) {
    fs::remove_all(home_.path() / "run");
    const ShellEnd ended =
        runShell(home_.path(), signals + driver("2>&1 | head -1; exit ${PIPESTATUS[0]}"));
    EXPECT_EQ(ended.code, 1) << "nobody has got the summary";
    expectMeasured();
  }
}

TEST_F(PrintingDriver, WithClosedOutputsMeasures) {
  const ShellEnd ended = runShell(home_.path(), driver("2>&- >&-"));
  EXPECT_EQ(ended.code, 1);
  expectMeasured();
}

TEST_F(PrintingDriver, WithoutRoomForItsResultFailsAndSaysWhereItIs) {
  const ShellEnd ended = runShell(home_.path(), driver(">/dev/full"));
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.errors, HasSubstr("redline driver: cannot write the result to standard output: "
                                      "No space left on device\n"));
  EXPECT_THAT(ended.errors, HasSubstr("run directory: run\n"));
  expectMeasured();
}

// The pipe is filled as soon as the run is under way, and the reader stays until all is written:
// a run that waited for it would not end.
TEST_F(PrintingDriver, IsNotHeldByAReaderThatPauses) {
  const ShellEnd ended = runShell(
      home_.path(),
      "mkfifo notes; sleep 1000 <notes >/dev/null 2>&1 & reader=$!; exec 9>notes; " +
          driver("2>&9 & run=$!; ", "-duration=1s -interval=1ms") +
          "until test $(cat run/intervals.csv 2>/dev/null | wc -l) -gt 1; do sleep 0.01; done; "
          "timeout 0.2 head -c 200000 /dev/zero >&9; "
          "until test -s run/summary.json; do sleep 0.05; done; "
          "kill $reader; exec 9>&-; wait $run");
  EXPECT_THAT(ended.code, kPrinted) << ended.errors;
  expectMeasured(1000);
}

TEST_F(PrintingDriver, WhoseTerminalClosesWritesWhatItMeasured) {
  const ShellEnd ended =
      runShell(home_.path(), driver("& ", "-duration=50s") +
                                 "until test -s run/intervals.csv; do sleep 0.1; done; "
                                 "sleep 0.3; kill -HUP $!; kill -HUP $!; wait $!");
  EXPECT_THAT(ended.code, kPrinted) << ended.errors;
  EXPECT_THAT(ended.out, HasSubstr("run directory: run"));
  EXPECT_TRUE(fs::exists(home_.path() / "run/summary.json"));
}

TEST_F(PrintingDriver, UnderNohupOutlivesItsTerminal) {
  const ShellEnd ended =
      runShell(home_.path(), "trap '' HUP; " + driver("& ") +
                                 "until test -s run/intervals.csv; do sleep 0.05; done; "
                                 "kill -HUP $!; wait $!");
  EXPECT_THAT(ended.code, kPrinted) << ended.errors;
  expectMeasured();
}

TEST(Printing, OfEveryCommandThatCannotPrintItsResultFails) {
  const TemporaryDirectory home;
  for (const std::string command :
       {"", "help", "help driver", "driver -help", "version", "man", "man driver",
        "completions bash", "lab list", "lab list fsync", "lab predict"}) {
    const ShellEnd full = runShell(home.path(), "$R " + command + " >/dev/full");
    EXPECT_EQ(full.code, 1) << command;
    EXPECT_THAT(full.errors, HasSubstr("No space left on device")) << command;
    const ShellEnd left = runShell(home.path(), "$R " + command + " | true; exit ${PIPESTATUS[0]}");
    EXPECT_THAT(left.code, testing::AnyOf(0, 1)) << command;
    EXPECT_EQ(left.errors, "") << command;
  }
}

// 1, 3 and 4 are verdicts of commands that printed what they found.
TEST_F(PrintingDriver, WhoseVerdictNobodyGetsIsAFailureThatIsSaid) {
  ASSERT_THAT(runShell(home_.path(), driver("")).code, kPrinted);
  for (const std::string& command :
       {std::string("compare run run -fail-if='achieved>1'"),
        fmt::format("doctor -watch=100ms -addr={}", redis_->endpoint().text())}) {
    ASSERT_THAT(runShell(home_.path(), "$R " + command).code, testing::AnyOf(1, 3, 4)) << command;
    for (const char* const lost : {" >/dev/full", " >&-"}) {
      const ShellEnd ended = runShell(home_.path(), "$R " + command + lost);
      EXPECT_EQ(ended.code, 1) << command << lost;
      EXPECT_THAT(ended.errors, HasSubstr("cannot write the result to standard output: "))
          << command << lost;
    }
  }
}

TEST(Printing, OfAnErrorThatNobodyReadsKeepsTheExitCode) {
  const TemporaryDirectory home;
  EXPECT_EQ(runShell(home.path(), "$R driver -rate=x 2>/dev/full").code, 2);
  EXPECT_EQ(runShell(home.path(), "$R report nowhere 2>&- >&-").code,
            runShell(home.path(), "$R report nowhere").code);
}

}  // namespace
}  // namespace redline
