// The lab as a user runs it: real servers, tiny runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <ostream>

#include "base/clock.h"
#include "base/text.h"
#include "os/files.h"
#include "rundir/experiment.h"
#include "server/process.h"
#include "support/paths.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::kGoesFirst;
using test::eventually;
using test::Redline;
using test::TemporaryDirectory;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// An experiment, made small.
struct Tiny {
  const char* experiment;
  const char* settings;
  std::size_t runs;
};

constexpr Tiny kPipelining{
    "pipelining",
    "keys=1k; conns=4; batches=0,8,16; tx-batches=8; hot-batches=16; victims=4; victim-rate=1k; "
    "neighbour-rate=2k; neighbour-batches=16; warmup=0; duration=50ms; beside-duration=50ms; "
    "large-keys=100; large-batches=0; open-batches=16; open-duration=50ms; ",
    12};
constexpr Tiny kPersistence{
    "persistence-spike",
    "keys=200k; conns=4; rate=1k; warmup=100ms; at=500ms; duration=2s; maxmemory=256MB; "
    "fork-keys=1k,2k; fork-repeat=1; ",
    8};
constexpr Tiny kReshard{
    "reshard",
    "keys=20k; large-keys=1k; rate=500; conns=2; ledger=100; slots=20; warmup=100ms; at=500ms; "
    "back-at=1200ms; duration=2200ms; maxmemory=128MB; ",
    4};

std::vector<std::string> tinyLab(const fs::path& out, const Tiny& tiny = kPipelining,
                                 std::string_view more = {}) {
  return {"lab",
          "run",
          tiny.experiment,
          "-repeat=1",
          "-set=" + (tiny.settings + std::string(more)),
          std::string("-experiments=") + REDLINE_SOURCE_DIR + "/experiments",
          "-out=" + out.string()};
}

/// The tiny runs may be disturbed, which no test here is about.
void expectEnded(Redline& lab) {
  const int code = lab.wait();
  EXPECT_TRUE(code == 0 || code == 3) << code << ": " << lab.err();
}

std::vector<std::string> settings(const TemporaryDirectory& home) {
  return {"REDLINE_HOME=" + (home.path() / "state").string()};
}

Result<ExperimentDocument> documentIn(const fs::path& out, const Tiny& tiny = kPipelining) {
  const fs::path file = out / tiny.experiment / kExperimentFile;
  const auto text = readWholeFile(file);
  if (!text) return fail(text.error());
  return experimentFromJson(*text, file.native());
}

std::size_t linesIn(const fs::path& file) {
  const auto text = readWholeFile(file);
  return text ? static_cast<std::size_t>(std::count(text->begin(), text->end(), '\n')) : 0;
}

/// Of runs that were not disturbed: those have a second line.
std::size_t validLinesIn(const fs::path& file) {
  const auto text = readWholeFile(file);
  std::size_t valid = 0;
  for (const std::string_view line : splitLines(text ? *text : std::string()))
    if (const auto record = runRecordFromJson(line, "runs.jsonl"))
      valid += record->state == RunState::done && record->invalid.empty() ? 1U : 0U;
  return valid;
}

TEST(Lab, CarriesOutAnExperimentAndReportsIt) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline lab(home, tinyLab(out), settings(home));
  expectEnded(lab);
  const auto document = documentIn(out);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->state, ExperimentState::done);
  EXPECT_THAT(document->runs, SizeIs(kPipelining.runs));
  for (const RunRecord& run : document->runs) {
    EXPECT_EQ(run.state, RunState::done) << run.name << ": " << run.reason;
    EXPECT_THAT(run.commands, Not(IsEmpty()));
    for (const std::string& directory : run.directories)
      EXPECT_TRUE(fs::exists(out / "pipelining" / directory / "summary.json")) << directory;
  }
  EXPECT_THAT(document->findings, Not(IsEmpty()));
  EXPECT_THAT(lab.err(), HasSubstr("of about"));
  EXPECT_THAT(lab.out(), HasSubstr("report: file://"));
  EXPECT_TRUE(fs::exists(out / "report.html"));

  Redline again(home, tinyLab(out), settings(home));
  EXPECT_EQ(again.wait(), 2);
  EXPECT_THAT(again.error(), HasSubstr("-resume"));

  Redline report(home, {"report", out.string()}, settings(home));
  EXPECT_EQ(report.wait(), 0) << report.err();
  EXPECT_TRUE(fs::exists(out / "report.html"));
  EXPECT_TRUE(fs::exists(out / "FINDINGS.md"));

  Redline kept(home, {"lab", "export", out.string(), "-out=" + (home.path() / "kept").string()},
               settings(home));
  EXPECT_EQ(kept.wait(), 0) << kept.err();
  EXPECT_TRUE(fs::exists(home.path() / "kept" / "FINDINGS.md"));
  EXPECT_TRUE(fs::exists(home.path() / "kept" / "pipelining" / kExperimentFile));

  Redline compared(home, {"lab", "compare", out.string(), (home.path() / "kept").string()},
                   settings(home));
  EXPECT_EQ(compared.wait(), 0) << compared.err();
  EXPECT_THAT(compared.out(), HasSubstr("pipelining, 2 times over"));
}

TEST(Lab, ItsDirectoryIsItsOwnWhileItRuns) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline first(home, tinyLab(out, kPipelining, "duration=5s"), settings(home));
  ASSERT_TRUE(eventually([&] { return fs::exists(out / "pipelining" / "experiment.json"); }))
      << first.err();
  Redline second(home, tinyLab(out, kReshard), settings(home));
  EXPECT_EQ(second.wait(), 2);
  EXPECT_THAT(second.error(), HasSubstr("another redline is writing into it"));
  EXPECT_FALSE(fs::exists(out / "reshard"));
  Redline analysis(home, {"lab", "analyse", "pipelining", "-out=" + out.string()}, settings(home));
  EXPECT_EQ(analysis.wait(), 2);
  first.interrupt();
  EXPECT_EQ(first.wait(), 1);
}

TEST(Lab, LooksAtThePlacesOfAllExperimentsBeforeTheFirstRun) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  ASSERT_TRUE(createDirectory(out / "mset"));
  ASSERT_TRUE(writeWholeFile(out / "mset" / "runs.jsonl", ""));
  Redline lab(
      home,
      {"lab", "run", "pipelining", "mset",
       std::string("-experiments=") + REDLINE_SOURCE_DIR + "/experiments", "-out=" + out.string()},
      settings(home));
  EXPECT_EQ(lab.wait(), 2);
  EXPECT_THAT(lab.error(), HasSubstr("mset has results already"));
  EXPECT_FALSE(fs::exists(out / "pipelining"));
}

constexpr Tiny kMset{
    "mset", "keys=1k; group=2; busy-groups=2; warmup=0; duration=20ms; value-size=100; ", 10};

TEST(Lab, IsAnalysedAndResumedWithTheParametersThatItWasBegunWith) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline lab(home, tinyLab(out, kMset), settings(home));
  expectEnded(lab);
  const auto before = documentIn(out, kMset);
  ASSERT_TRUE(before) << before.error().message;
  const std::string toml = std::string("-experiments=") + REDLINE_SOURCE_DIR + "/experiments";
  Redline analysis(home, {"lab", "analyse", toml, "-out=" + out.string()}, settings(home));
  EXPECT_EQ(analysis.wait(), 0) << analysis.err();
  EXPECT_THAT(analysis.out(), HasSubstr("2 SETs"));
  Redline other(home, {"lab", "analyse", toml, "-set=group=3", "-out=" + out.string()},
                settings(home));
  EXPECT_EQ(other.wait(), 2);
  EXPECT_THAT(other.error(),
              HasSubstr("begun with other parameters, or by another redline: group (2, now 3)"));
  Redline resumed(home, {"lab", "run", "mset", toml, "-resume", "-out=" + out.string()},
                  settings(home));
  expectEnded(resumed);
  const auto after = documentIn(out, kMset);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->parameters, before->parameters);
  EXPECT_EQ(after->command, before->command);
}

TEST(Lab, AStackThatCannotBeLoadedFailsOnce) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline lab(home, tinyLab(out, kMset, "keys=1000G"), settings(home));
  EXPECT_EQ(lab.wait(), 1);
  EXPECT_THAT(lab.err(), AllOf(HasSubstr("9 more runs on these servers are left out"),
                               HasSubstr("1 run failed")));
  EXPECT_EQ(linesIn(out / "mset" / "runs.jsonl"), 1U);
}

/// What a shell says to these lines.
std::string saidBy(const std::string& lines) {
  std::string said;
  FILE* const shell = ::popen(("set -e\n" + lines).c_str(), "r");
  if (shell == nullptr) return said;
  std::array<char, 4096> buffer;
  while (const std::size_t got = ::fread(buffer.data(), 1, buffer.size(), shell))
    said.append(buffer.data(), got);
  ::pclose(shell);
  return said;
}

TEST(Lab, CommandsOfARunReadKeysThatAreThere) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  Redline lab(home, tinyLab(out, kMset), settings(home));
  expectEnded(lab);
  const auto document = documentIn(out, kMset);
  ASSERT_TRUE(document) << document.error().message;
  const auto run = std::ranges::find(document->runs, "alone-read-multi-r1", &RunRecord::name);
  ASSERT_NE(run, document->runs.end());
  const auto redis = test::startRedis();
  ASSERT_TRUE(redis);
  const std::string said = saidBy("ADDR=" + redis->endpoint().text() + "\n" + run->commands.back() +
                                  "\nredis-cli -u redis://$ADDR info stats");
  EXPECT_THAT(said, AllOf(HasSubstr("cmdstat_mget:calls=100000"), HasSubstr("keyspace_misses:0\r"),
                          HasSubstr("keyspace_hits:200000\r")));
}

/// A process that is neither the lab's nor the kernel's, and takes what it gets of a core.
class Spinner {
 public:
  Spinner() : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) SteadyClock::read();
  }
  ~Spinner() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

 private:
  pid_t pid_;
};

TEST(Lab, SeesWhatOthersTakeOfItsCores) {
  const TemporaryDirectory home;
  const fs::path out = home.path() / "lab";
  {
    const Spinner spinner;
    Redline lab(home, tinyLab(out, kPipelining, "duration=300ms"), settings(home));
    expectEnded(lab);
  }
  const auto document = documentIn(out);
  ASSERT_TRUE(document) << document.error().message;
  double most = 0;
  for (const RunRecord& run : document->runs) {
    const double foreign = run.figure("core_foreign_share", 0);
    EXPECT_GE(run.figure("core_lost_share", 0), 0) << run.name;
    most = std::max(most, foreign);
  }
  EXPECT_GT(most, 0.05);
  EXPECT_TRUE(std::ranges::any_of(document->tables, [](const LabTable& table) {
    return table.title == "What others took of the cores";
  }));
}

TEST(Lab, SaysWhetherItWentBeforeOthers) {
  for (const bool first : {false, true}) {
    const TemporaryDirectory home;
    const fs::path out = home.path() / "lab";
    auto environment = settings(home);
    if (first) environment.emplace_back(kGoesFirst);
    Redline lab(home, tinyLab(out), environment);
    expectEnded(lab);
    const auto document = documentIn(out);
    ASSERT_TRUE(document) << document.error().message;
    const auto says = [&](std::string_view words) {
      return std::ranges::any_of(document->method, [&](const std::string& sentence) {
        return sentence.find(words) != std::string::npos;
      });
    };
    EXPECT_EQ(says("-priority=false"), !first);
    EXPECT_EQ(says("before other processes") || says("was refused"), first);
  }
}

/// A moment in which a lab may be ended: as soon as this is there.
struct Moment {
  const char* name;
  Tiny tiny;
  const char* settings;  ///< that make it last, so that only what is left is looked at
  bool (*reached)(const fs::path& experiment);
};

void PrintTo(const Moment& moment, std::ostream* to) {
  *to << moment.name;
}

bool hasBegun(const fs::path& run, std::string_view fault) {
  const auto events = readWholeFile(run / "events.jsonl");
  return events && events->find("\"name\":\"" + std::string(fault) + "\"") != std::string::npos;
}

constexpr Moment kMoments[] = {
    {"WhileItLoads", kPipelining, "keys=3M",
     [](const fs::path& experiment) {
       return fs::exists(experiment / "stacks" / "plain" / "load-1" / "plan.json");
     }},
    {"WhileItDrives", kPipelining, "duration=5s",
     [](const fs::path& experiment) {
       return fs::exists(experiment / "sweep-b0-r1" / "plan.json");
     }},
    {"BetweenRuns", kPipelining, "",
     [](const fs::path& experiment) { return linesIn(experiment / "runs.jsonl") >= 3; }},
    {"WhileAChildWritesASnapshot", kPersistence, "",
     [](const fs::path& experiment) {
       return hasBegun(experiment / "bgsave-server-r1", "bgsave");
     }},
    {"WhileSlotsMove", kReshard, "",
     [](const fs::path& experiment) { return hasBegun(experiment / "small-range-r1", "reshard"); }},
};

class LabEnded : public testing::TestWithParam<Moment> {
 protected:
  std::vector<std::string> lab(std::string_view settings) const {
    return tinyLab(home_.path() / "lab", GetParam().tiny, settings);
  }
  /// The move of slots has the machine to itself (tests/CMakeLists.txt), and is what a lab that
  /// goes first has stopped: each of its steps waits for an fsync, which the kernel's threads
  /// finish.
  std::vector<std::string> environment() const {
    std::vector<std::string> all = settings(home_);
    if (GetParam().name == std::string_view("WhileSlotsMove")) all.emplace_back(kGoesFirst);
    return all;
  }
  fs::path experiment() const { return home_.path() / "lab" / GetParam().tiny.experiment; }
  void waitForTheMoment(const Redline& lab) const {
    constexpr Nanos kClusterAndLoad = 30 * kSecond;
    ASSERT_TRUE(eventually([&] { return GetParam().reached(experiment()); }, kClusterAndLoad))
        << lab.err();
  }
  void expectNoServers() const {
    EXPECT_TRUE(eventually([&] {
      return processesIn(home_.path() / "state", [](std::string_view) { return true; }).empty();
    }));
  }
  /// What there is can be read, and the rest is made with -resume.
  void expectReadableAndResumable(ExperimentState state) const {
    const auto before = documentIn(home_.path() / "lab", GetParam().tiny);
    ASSERT_TRUE(before) << before.error().message;
    EXPECT_EQ(before->state, state);
    EXPECT_GE(before->runs.size() + 1, linesIn(experiment() / "runs.jsonl"));
    Redline report(home_, {"report", (home_.path() / "lab").string()}, settings(home_));
    EXPECT_EQ(report.wait(), 0) << report.err();
    if (*GetParam().settings != '\0') return;  // its parameters are for being ended
    auto resume = lab(GetParam().settings);
    resume.emplace_back("-resume");
    Redline resumed(home_, resume, environment());
    expectEnded(resumed);
    const auto after = documentIn(home_.path() / "lab", GetParam().tiny);
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->state, ExperimentState::done);
    EXPECT_LE(after->wallStart, after->runs.front().wallStart) << "it began before it was resumed";
    EXPECT_THAT(after->runs, SizeIs(GetParam().tiny.runs));
    for (const RunRecord& run : after->runs)
      EXPECT_EQ(run.state, RunState::done) << run.name << ": " << run.reason;
    // One more: the moment of SIGKILL may lie between a run's line and the document.
    EXPECT_LE(validLinesIn(experiment() / "runs.jsonl"), GetParam().tiny.runs + 1)
        << "runs that were complete and valid were made again";
  }

  const TemporaryDirectory home_;
};

TEST_P(LabEnded, BySigkillLeavesNothingBehindAfterStackDown) {
  Redline killed(home_, lab(GetParam().settings), environment());
  waitForTheMoment(killed);
  killed.kill();
  expectNoServers();
  Redline down(home_, {"stack", "down"}, settings(home_));
  EXPECT_EQ(down.wait(), 0) << down.err();
  EXPECT_THAT(down.out(), HasSubstr("removed what process"));
  EXPECT_TRUE(fs::is_empty(home_.path() / "state" / "lab"));
  expectReadableAndResumable(ExperimentState::running);
}

TEST_P(LabEnded, BySigintStopsItsServersAndSaysHowToGoOn) {
  Redline interrupted(home_, lab(GetParam().settings), environment());
  waitForTheMoment(interrupted);
  interrupted.interrupt();
  EXPECT_EQ(interrupted.wait(), 1);
  EXPECT_THAT(interrupted.err(), HasSubstr("-resume"));
  expectNoServers();
  EXPECT_TRUE(fs::is_empty(home_.path() / "state" / "lab"));
  expectReadableAndResumable(ExperimentState::interrupted);
}

INSTANTIATE_TEST_SUITE_P(Phases, LabEnded, testing::ValuesIn(kMoments),
                         [](const auto& moment) { return std::string(moment.param.name); });

TEST(Lab, RefusesATomlWithItsLineAndWhatToDo) {
  struct Mistake {
    const char *line, *instead, *says;
  };
  constexpr Mistake kMistakes[] = {
      {"conns = 50", "cons = 50", "did you mean conns?"},
      {"value-size = 100", "value-size = \"2s\"", "value-size is"},
      {"batches = [0, 1, 8, 16, 64]", "batches = [0, 16]", "three points or more"},
      {"open-share = 0.6", "open-share = 1.5", "open-share"},
  };
  const TemporaryDirectory home;
  const auto sound =
      readWholeFile(std::string(REDLINE_SOURCE_DIR) + "/experiments/pipelining.toml");
  ASSERT_TRUE(sound);
  const fs::path file = home.path() / "pipelining.toml";
  for (const Mistake& mistake : kMistakes) {
    std::string text = *sound;
    const std::size_t at = text.find(mistake.line);
    ASSERT_NE(at, std::string::npos) << mistake.line;
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    text.replace(at, std::string_view(mistake.line).size(), mistake.instead);
    ASSERT_TRUE(writeWholeFile(file, text));
    Redline lab(home,
                {"lab", "run", "pipelining", "-experiments=" + home.path().string(),
                 "-out=" + (home.path() / "lab").string()},
                settings(home));
    EXPECT_EQ(lab.wait(), 2) << mistake.instead;
    EXPECT_THAT(lab.error(), HasSubstr(file.string() + ":" + std::to_string(line) + ":"));
    EXPECT_THAT(lab.error(), HasSubstr(mistake.says));
    EXPECT_FALSE(fs::exists(home.path() / "lab"));
  }
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
