// Holds the real tables to the promises that help, completions and the parser make.

#include "cmd/commands.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "cmd/completions.h"
#include "cmd/dispatch.h"
#include "cmd/foreign_flags.h"
#include "cmd/help.h"
#include "cmd/manual.h"
#include "cmd/resolve.h"
#include "cmd/text.h"
#include "support/paths.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Result<FlagValues> resolved(const Command& command, std::vector<std::string> arguments) {
  return resolve(command, commands(), {std::move(arguments), {}, [](const std::string&) {
                                         return Result<std::string>{""};
                                       }});
}

/// The words of an example's line after "redline <command>", comments and pipes cut off.
std::vector<std::string> argumentsOf(std::string_view line) {
  std::istringstream words{std::string{line.substr(0, line.find_first_of("|>)"))}};
  std::vector<std::string> all;
  for (std::string word; words >> word;) all.push_back(word);
  const auto start =
      std::ranges::find_if(all, [](const auto& word) { return word.ends_with("redline"); });
  if (all.end() - start < 2) return {};
  return {start + 2, all.end()};
}

TEST(Tables, HaveDefaultsAndExamplesThatTheirOwnParserTakes) {
  for (const Command& command : commands()) {
    for (const FlagSpec& flag : command.flags) {
      EXPECT_TRUE(parseFlagValue(flag, flag.fallback)) << command.name << " -" << flag.name;
      if (!flag.example.empty()) {
        EXPECT_TRUE(parseFlagValue(flag, flag.example)) << command.name << " -" << flag.name;
      }
      EXPECT_FALSE(flag.help.empty()) << command.name << " -" << flag.name;
      EXPECT_FALSE(flag.group.empty()) << command.name << " -" << flag.name;
    }
  }
}

TEST(Tables, NameEachFlagOnceAndGiveItTheSameKindEverywhere) {
  std::map<std::string_view, ValueKind> kinds;
  for (const Command& command : commands()) {
    std::set<std::string_view> seen;
    for (const FlagSpec& flag : command.flags) {
      EXPECT_TRUE(seen.insert(flag.name).second) << command.name << " -" << flag.name;
      EXPECT_EQ(kinds.emplace(flag.name, flag.kind).first->second, flag.kind) << flag.name;
    }
  }
}

TEST(Tables, GiveExamplesThatWork) {
  for (const Command& command : commands())
    for (const Example& example : command.examples) {
      const auto values = resolved(command, argumentsOf(example.line));
      EXPECT_TRUE(values) << example.line << ": " << (values ? "" : values.error().message);
    }
}

TEST(Tables, HaveThreeExamplesForEveryCommandThatMeasures) {
  for (const char* name : {"stack", "loader", "driver", "chaos"}) {
    ASSERT_NE(findCommand(name), nullptr);
    EXPECT_GE(findCommand(name)->examples.size(), 3U) << name;
  }
}

TEST(Tables, KeepTheContractsDefaults) {
  const auto driver = resolved(*findCommand("driver"), {}).value();
  EXPECT_EQ(driver.count("keys"), 1'000'000U);
  EXPECT_EQ(driver.size("value-size"), 100U);
  EXPECT_DOUBLE_EQ(driver.number("ttl-frac"), 0.3);
  EXPECT_DOUBLE_EQ(driver.number("rw-ratio"), 0.9);
  EXPECT_EQ(driver.number("rate"), 10'000);
  EXPECT_EQ(driver.count("conns"), 50U);
  EXPECT_EQ(driver.count("pipeline"), 0U);
  EXPECT_EQ(driver.duration("batch-wait"), 0);
  EXPECT_EQ(driver.duration("drain"), 5 * kSecond);
  EXPECT_EQ(driver.duration("op-timeout"), 0);
  EXPECT_EQ(driver.text("dist"), "uniform");
  EXPECT_EQ(driver.text("verify"), "full");
  EXPECT_EQ(driver.endpoints("addr").at(0).port, 7600);
  const auto loader = resolved(*findCommand("loader"), {}).value();
  EXPECT_EQ(loader.duration("ttl-min"), 60 * kSecond);
  EXPECT_EQ(loader.duration("ttl-max"), 3600 * kSecond);
  EXPECT_TRUE(loader.on("mset"));
  EXPECT_TRUE(loader.is("ttl-epoch", "now"));
}

TEST(Tables, GiveLoaderAndDriverTheSameDataSet) {
  const auto driver = resolved(*findCommand("driver"), {}).value();
  const auto loader = resolved(*findCommand("loader"), {}).value();
  for (const char* name : {"keys", "value-size", "ttl-frac", "ttl-min", "ttl-max", "seed", "addr"})
    EXPECT_EQ(driver.text(name), loader.text(name)) << name;
}

TEST(Help, NamesEveryFlagWithItsDefaultAndTheExitCodes) {
  for (const Command& command : commands()) {
    const std::string help = commandHelp(command, {});
    for (const FlagSpec& flag : command.flags)
      EXPECT_THAT(help, HasSubstr(fmt::format("  -{}", flag.name))) << command.name;
    EXPECT_THAT(help, HasSubstr("Exit codes"));
  }
  EXPECT_THAT(commandHelp(*findCommand("plan"), {}),
              AllOf(HasSubstr("there is no such deployment"), Not(HasSubstr("is invalid"))));
  EXPECT_THAT(commandHelp(*findCommand("driver"), {}), HasSubstr("is invalid"));
  EXPECT_THAT(commandHelp(*findCommand("loader"), {110, false}),
              HasSubstr("(default 0.3, e.g. 30%)"));
}

void expectWidth(const std::string& text, std::size_t width, std::string_view what) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width) << what << line;
}

TEST(Help, OfEveryCommandKeepsToTheTerminalsWidthAndIsPlainUnlessAskedOtherwise) {
  for (const std::size_t width : {60U, 80U, 100U}) {
    for (const Command& command : commands())
      expectWidth(commandHelp(command, {width, false}), width, command.name);
    expectWidth(overviewHelp(commands(), {width, false}), width, "overview");
  }
  EXPECT_THAT(commandHelp(*findCommand("driver"), {80, false}), Not(HasSubstr("\033")));
  EXPECT_THAT(commandHelp(*findCommand("driver"), {80, true}), HasSubstr("\033[1m"));
}

TEST(Help, BreaksALongExampleSoThatAShellTakesIt) {
  EXPECT_THAT(
      wrapShellLine("redline driver -rate=50k -chaos='5s:bgsave; 9s:bgsave' -keys=3M", 40),
      ElementsAre("redline driver -rate=50k \\", "  -chaos='5s:bgsave; 9s:bgsave' -keys=3M"));
  EXPECT_THAT(wrapShellLine("redline stack up", 40), ElementsAre("redline stack up"));
}

/// Standard output of a command.
std::pair<int, std::string> printed(std::vector<std::string> arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  arguments.insert(arguments.begin(), "redline");
  const int code = dispatch(arguments, {});
  const std::string out = testing::internal::GetCapturedStdout();
  return {code, out + testing::internal::GetCapturedStderr()};
}

TEST(Help, TakesTheWordsThatACommandTakes) {
  for (const char* const about : {"help", "man"}) {
    EXPECT_EQ(printed({about, "stack", "up"}), printed({about, "stack"}));
    EXPECT_EQ(printed({about, "stack", "up", "node"}).first, 0);
    EXPECT_EQ(printed({about, "lab", "run", "ceiling", "fsync"}).first, 0);
    const auto [code, text] = printed({about, "stack", "upp"});
    EXPECT_EQ(code, 2);
    EXPECT_THAT(text, HasSubstr("did you mean up?"));
  }
}

TEST(Help, ListsEveryCommand) {
  const std::string help = overviewHelp(commands(), {});
  for (const Command& command : commands()) EXPECT_THAT(help, HasSubstr(command.summary));
}

TEST(Manual, HasAnEntryForEveryFlagAndNoAccidentalRequests) {
  const std::string page = commandManual(*findCommand("driver"));
  for (const FlagSpec& flag : findCommand("driver")->flags) {
    std::string name{flag.name};
    for (auto at = name.find('-'); at != std::string::npos; at = name.find('-', at + 2))
      name.replace(at, 1, "\\-");
    EXPECT_THAT(page, HasSubstr(fmt::format(".B \\-{}", name)));
  }
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with('.')) {
      EXPECT_TRUE(line.starts_with(".TH ") || line.starts_with(".SH ") || line == ".TP" ||
                  line.starts_with(".B ") || line.starts_with(".BR "))
          << line;
    }
}

TEST(Manual, LetsLongListsOfChoicesBreak) {
  EXPECT_THAT(commandManual(*findCommand("stack")),
              HasSubstr("allkeys\\-lru|\\:allkeys\\-lfu|\\:"));
}

/// What bash offers after these words; the last one is being typed.
std::vector<std::string> bashOffers(const std::string& typed) {
  const std::string script =
      bashCompletions(commands()) + "\nCOMP_WORDS=(" + typed +
      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_redline\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const TemporaryDirectory directory;
  const std::string path = directory.write("completions.bash", script);
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("bash " + path).c_str(), "r"), pclose);
  std::vector<std::string> offers;
  std::array<char, 4096> line{};
  while (pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    std::string one = line.data();
    one.erase(one.find_last_not_of('\n') + 1);
    offers.push_back(std::move(one));
  }
  return offers;
}

TEST(Completions, OfferWhatMayStandAtEachPlace) {
  EXPECT_EQ(bashOffers("redline la"), (std::vector<std::string>{"lab"}));
  EXPECT_EQ(bashOffers("redline lab ru"), (std::vector<std::string>{"run"}));
  EXPECT_EQ(bashOffers("redline lab run ceil"), (std::vector<std::string>{"ceiling"}));
  EXPECT_EQ(bashOffers("redline lab run fsync ceil"), (std::vector<std::string>{"ceiling"}));
  EXPECT_EQ(bashOffers("redline lab run -profile = st"), (std::vector<std::string>{"standard"}));
  EXPECT_EQ(bashOffers("redline lab run -profile = quick ceil"),
            (std::vector<std::string>{"ceiling"}));
  EXPECT_EQ(bashOffers("redline chaos -action = bgs"), (std::vector<std::string>{"bgsave"}));
  EXPECT_EQ(bashOffers("redline driver -dis"), (std::vector<std::string>{"-dist"}));
  EXPECT_EQ(bashOffers("redline help dri"), (std::vector<std::string>{"driver"}));
  EXPECT_EQ(bashOffers("redline stack up clu"), (std::vector<std::string>{"cluster"}));
}

TEST(Completions, OfferTheStacksThatAreUp) {
  const TemporaryDirectory home;
  std::filesystem::create_directories(home.path() / "stacks" / "mine");
  ::setenv("REDLINE_HOME", home.path().c_str(), 1);
  EXPECT_EQ(bashOffers("redline stack down mi"), (std::vector<std::string>{"mine"}));
  ::unsetenv("REDLINE_HOME");
}

TEST(Completions, KnowCommandsFlagsAndChoices) {
  const std::string bash = bashCompletions(commands());
  EXPECT_THAT(bash, HasSubstr("stack loader driver chaos"));
  EXPECT_THAT(bash, HasSubstr("driver:-dist) COMPREPLY=($(compgen -W \"uniform zipfian\""));
  EXPECT_THAT(bash, HasSubstr(" -zipf-s "));
  const std::string zsh = zshCompletions(commands());
  EXPECT_THAT(zsh, testing::StartsWith("#compdef redline"));
  EXPECT_THAT(zsh, HasSubstr("(uniform zipfian)"));
  EXPECT_THAT(zsh, HasSubstr("'1:action:(list run predict"));
  EXPECT_THAT(zsh, HasSubstr("all ceiling"));
  EXPECT_THAT(zsh, HasSubstr("'*:dir:_files'"));
}

TEST(Docs, HaveTheTableOfForeignFlags) {
  std::ifstream file(std::filesystem::path(REDLINE_SOURCE_DIR) / "docs/coming-from.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const ForeignFlag& flag : foreignFlags())
    EXPECT_THAT(text, HasSubstr(fmt::format("| `{}` | {} | {} |", fmt::join(flag.names, "`, `"),
                                            flag.means, flag.use)));
}

}  // namespace
}  // namespace redline
