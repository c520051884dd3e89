#include "cmd/resolve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "cmd/foreign_flags.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

std::vector<Command> twoCommands() {
  Command driver;
  driver.name = "driver";
  driver.flags = {
      {.name = "keys", .kind = ValueKind::count, .fallback = "1M", .example = "100M"},
      {.name = "value-size", .kind = ValueKind::size, .fallback = "100", .example = "4KB"},
      {.name = "rate", .kind = ValueKind::count, .fallback = "10k", .choices = {"max"}},
      {.name = "duration", .kind = ValueKind::duration, .fallback = "10s"},
      {.name = "rw-ratio", .kind = ValueKind::share, .fallback = "0.9"},
      {.name = "dist",
       .kind = ValueKind::choice,
       .fallback = "uniform",
       .choices = {"uniform", "zipfian"}},
      {.name = "force", .kind = ValueKind::boolean, .fallback = "false"},
      {.name = "cpus", .kind = ValueKind::cpuList, .example = "0"},
      {.name = "config", .kind = ValueKind::path, .example = "lab.toml"},
  };
  Command loader;
  loader.name = "loader";
  loader.flags = {
      {.name = "keys", .kind = ValueKind::count, .fallback = "1M"},
      {.name = "batch", .kind = ValueKind::count, .fallback = "1000"},
      {.name = "config", .kind = ValueKind::path, .example = "lab.toml"},
  };
  Command stack;
  stack.name = "stack";
  stack.positionals = {{.name = "action", .choices = {"up", "down"}},
                       {.name = "topology", .choices = {"node"}, .fallback = "node"}};
  stack.flags = {{.name = "name", .fallback = "default", .example = "lab"}};
  return {driver, loader, stack};
}

struct Given {
  std::vector<std::string> arguments = {};
  std::vector<std::string> environment = {};
  std::string file = {};  ///< the content of lab.toml
  std::size_t command = 0;
};

Result<FlagValues> resolved(const Given& given) {
  static const std::vector<Command> kCommands = twoCommands();
  const FlagInputs inputs{given.arguments, given.environment,
                          [&](const std::string& path) -> Result<std::string> {
                            if (path != "lab.toml")
                              return fail(ErrorCode::io, "cannot open {}", path);
                            return given.file;
                          }};
  return resolve(kCommands[given.command], kCommands, inputs);
}

std::string errorOf(const Given& given) {
  const auto values = resolved(given);
  if (values) return "no error";
  EXPECT_EQ(values.error().code, ErrorCode::usage) << "exit code 2 is for wrong usage";
  return values.error().message;
}

TEST(Resolve, GivesDefaultsWhereNothingIsSaid) {
  const auto values = resolved({}).value();
  EXPECT_EQ(values.count("keys"), 1'000'000U);
  EXPECT_EQ(values.size("value-size"), 100U);
  EXPECT_EQ(values.duration("duration"), 10 * kSecond);
  EXPECT_DOUBLE_EQ(values.number("rw-ratio"), 0.9);
  EXPECT_FALSE(values.on("force"));
  EXPECT_TRUE(values.cpus("cpus").empty());
  EXPECT_FALSE(values.given("keys"));
  EXPECT_EQ(values.at("keys").where, "default");
}

TEST(Resolve, TakesOneDashOrTwoAndBothWaysToGiveAValue) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"-keys=5k"}, {"--keys=5k"}, {"-keys", "5k"}, {"--keys", "5k"}}) {
    const auto values = resolved({arguments}).value();
    EXPECT_EQ(values.count("keys"), 5'000U) << arguments[0];
    EXPECT_EQ(values.at("keys").source, FlagSource::commandLine);
    EXPECT_EQ(values.at("keys").where, "-keys");
  }
}

TEST(Resolve, TakesABooleanAloneOrWithAnEqualsSign) {
  EXPECT_TRUE(resolved({{"-force"}})->on("force"));
  EXPECT_TRUE(resolved({{"-force=true"}})->on("force"));
  EXPECT_FALSE(resolved({{"--force=false"}})->on("force"));
  EXPECT_THAT(errorOf({{"-force", "false"}}), HasSubstr("needs an equals sign"));
  EXPECT_TRUE(resolved({{"-force", "-keys=1"}})->on("force"));
}

TEST(Resolve, PutsFlagBeforeEnvironmentBeforeFileBeforeDefault) {
  const std::string file = "keys = 3\nvalue-size = '3B'\nrate = 3\n";
  const auto values =
      resolved({{"-config=lab.toml", "-keys=1"}, {"REDLINE_KEYS=2", "REDLINE_VALUE_SIZE=2B"}, file})
          .value();
  EXPECT_EQ(values.count("keys"), 1U);
  EXPECT_EQ(values.size("value-size"), 2U);
  EXPECT_EQ(values.at("value-size").where, "REDLINE_VALUE_SIZE");
  EXPECT_EQ(values.count("rate"), 3U);
  EXPECT_EQ(values.at("rate").source, FlagSource::file);
  EXPECT_EQ(values.at("rate").where, "lab.toml:3");
  EXPECT_EQ(values.duration("duration"), 10 * kSecond);
}

TEST(Resolve, FindsTheFileThroughTheEnvironmentToo) {
  EXPECT_EQ(resolved({{}, {"REDLINE_CONFIG=lab.toml"}, "keys = 3"})->count("keys"), 3U);
}

TEST(Resolve, RefusesAnUnknownFlagWithASuggestion) {
  EXPECT_EQ(errorOf({{"-kyes=5"}}), "unknown flag -kyes: did you mean -keys?");
  EXPECT_EQ(errorOf({{"--value_size=5"}}), "unknown flag -value_size: did you mean -value-size?");
  EXPECT_THAT(errorOf({{"-tx"}}),
              AllOf(HasSubstr("unknown flag -tx"), HasSubstr("redline help driver")));
  EXPECT_THAT(errorOf({{"-batch=5"}}),
              HasSubstr("it is a flag of 'redline loader', not of 'driver'"));
}

TEST(Resolve, RefusesAnUnknownEnvironmentVariableWithASuggestion) {
  EXPECT_EQ(errorOf({{}, {"REDLINE_KYES=5"}}),
            "unknown environment variable REDLINE_KYES: did you mean REDLINE_KEYS?");
  EXPECT_THAT(errorOf({{}, {"REDLINE_MITIGATION=none"}}),
              HasSubstr("unknown environment variable"));
}

TEST(Resolve, LeavesOtherCommandsVariablesAndThoseThatAreNoFlagsAlone) {
  const auto values = resolved(
      {{}, {"REDLINE_BATCH=oops", "REDLINE_PASSWORD=secret", "REDLINE_HOME=/x", "PATH=/bin"}});
  ASSERT_TRUE(values);
  for (const auto& [name, text] : values->config())
    EXPECT_THAT(text, Not(HasSubstr("secret"))) << name;
}

TEST(Resolve, NeverTakesAPasswordAsAFlag) {
  const std::string message = errorOf({{"-password=secret"}});
  EXPECT_THAT(message, AllOf(HasSubstr("REDLINE_PASSWORD"), Not(HasSubstr("secret"))));
  EXPECT_THAT(
      errorOf({{"-config=lab.toml"}, {}, "password = 'secret'"}),
      AllOf(HasSubstr("lab.toml:1"), HasSubstr("REDLINE_PASSWORD"), Not(HasSubstr("secret"))));
}

TEST(Resolve, RefusesAnUnknownNameInAFileWithFileAndLine) {
  EXPECT_EQ(errorOf({{"-config=lab.toml"}, {}, "keys = 1\n\nkyes = 5\n"}),
            "lab.toml:3: unknown flag kyes: did you mean keys?");
  EXPECT_EQ(errorOf({{"-config=lab.toml"}, {}, "[driver]\nrat = 5\n"}),
            "lab.toml:2: unknown flag rat: did you mean rate?");
  EXPECT_EQ(errorOf({{"-config=lab.toml"}, {}, "[drivr]\n"}),
            "lab.toml:1: unknown table [drivr]: did you mean driver?");
  EXPECT_THAT(errorOf({{"-config=lab.toml"}, {}, "[loader]\nbtach = 5\n"}),
              HasSubstr("lab.toml:2: unknown flag btach: did you mean batch?"))
      << "another sub-command's table is held to that sub-command's flags";
}

TEST(Resolve, ReadsTheTableOfItsSubCommandBeforeTheTopOfTheFile) {
  const std::string file =
      "keys = 1\nbatch = 7\n[driver]\nkeys = 2\nforce = true\nrw-ratio = 0.5\n"
      "[loader]\nkeys = 3\n";
  const auto driver = resolved({{"-config=lab.toml"}, {}, file}).value();
  EXPECT_EQ(driver.count("keys"), 2U);
  EXPECT_TRUE(driver.on("force"));
  EXPECT_DOUBLE_EQ(driver.number("rw-ratio"), 0.5);
  const auto loader = resolved({{"-config=lab.toml"}, {}, file, 1}).value();
  EXPECT_EQ(loader.count("keys"), 3U);
  EXPECT_EQ(loader.count("batch"), 7U);
}

TEST(Resolve, SaysWhereInAFileAValueIsWrong) {
  EXPECT_THAT(errorOf({{"-config=lab.toml"}, {}, "rate = 1\nduration = 10\n"}),
              HasSubstr("lab.toml:2: duration: '10' is a duration without a unit"));
  EXPECT_THAT(errorOf({{"-config=lab.toml"}, {}, "keys = [1]\n"}), HasSubstr("lab.toml:1: keys"));
  EXPECT_THAT(errorOf({{"-config=lab.toml"}, {}, "keys = \n"}), HasSubstr("lab.toml:1: not TOML"));
  EXPECT_THAT(errorOf({{"-config=lab.toml"}, {}, "config = 'x'\n"}), HasSubstr("lab.toml:1"));
  EXPECT_THAT(errorOf({{"-config=other.toml"}}), HasSubstr("-config: cannot open other.toml"));
}

TEST(Resolve, NamesTheFlagOrVariableOfAWrongValue) {
  EXPECT_THAT(errorOf({{"-value-size=4KX"}}), HasSubstr("-value-size: '4KX' is not a size"));
  EXPECT_THAT(errorOf({{}, {"REDLINE_KEYS=many"}}),
              HasSubstr("REDLINE_KEYS: 'many' is not a count"));
}

TEST(Resolve, RefusesAFlagGivenTwiceAMissingValueAndAStrayWord) {
  EXPECT_EQ(errorOf({{"-keys=1", "--keys=2"}}), "duplicate flag -keys");
  EXPECT_EQ(errorOf({{"-keys"}}), "-keys needs a value, e.g. -keys=100M");
  EXPECT_EQ(errorOf({{"-keys", "-force"}}), "-keys needs a value, e.g. -keys=100M");
  EXPECT_THAT(errorOf({{"-keys="}}), HasSubstr("-keys: the value is empty"));
  EXPECT_THAT(errorOf({{"keys=5"}}), HasSubstr("unexpected word 'keys=5': flags start with"));
  EXPECT_THAT(errorOf({{"zipfain"}}), HasSubstr("did you mean -dist=zipfian?"));
}

TEST(Resolve, ReadsWordsAmongTheFlags) {
  const auto values = resolved({{"up", "-name=lab", "node"}, {}, {}, 2}).value();
  EXPECT_EQ(values.positional("action"), "up");
  EXPECT_EQ(values.positional("topology"), "node");
  EXPECT_EQ(values.text("name"), "lab");
  EXPECT_EQ(resolved({{"down"}, {}, {}, 2})->positional("topology"), "node");
  EXPECT_EQ(errorOf({{"upp"}, {}, {}, 2}), "'upp' is not up or down: did you mean up?");
  EXPECT_EQ(errorOf({{}, {}, {}, 2}), "missing action: use up or down");
}

TEST(Resolve, ListsEveryFlagInTableOrderWithItsCanonicalText) {
  const auto config = resolved({{"-value-size=4096", "-rate=max", "-cpus=0,1"}})->config();
  EXPECT_THAT(config, Contains(Pair("value-size", "4KB")));
  EXPECT_THAT(config, Contains(Pair("rate", "max")));
  EXPECT_THAT(config, Contains(Pair("cpus", "0,1")));
  ASSERT_EQ(config.size(), 9U);
  EXPECT_EQ(config.front().first, "keys");
}

TEST(Resolve, AnswersHelpWhateverElseIsWrong) {
  EXPECT_TRUE(resolved({{"-nonsense", "--help"}})->helpRequested());
  EXPECT_TRUE(resolved({{"-h"}})->helpRequested());
  EXPECT_FALSE(resolved({})->helpRequested());
}

Command loadCommand() {
  Command command;
  command.name = "load";
  command.flags = {{.name = "conns", .kind = ValueKind::count, .fallback = "50"},
                   {.name = "addr", .kind = ValueKind::endpoints, .fallback = "127.0.0.1:7600"},
                   {.name = "user"}};
  return command;
}

Result<FlagValues> resolvedLoad(const std::vector<std::string>& arguments,
                                const std::vector<std::string>& environment = {}) {
  const std::vector<Command> commands{loadCommand()};
  const FlagInputs inputs{arguments, environment, [](const std::string&) -> Result<std::string> {
                            return fail(ErrorCode::io, "no file");
                          }};
  return resolve(commands[0], commands, inputs);
}

TEST(Resolve, NamesTheEquivalentOfEveryForeignFlag) {
  for (const ForeignFlag& flag : foreignFlags())
    for (const std::string_view name : flag.names) {
      const auto values = resolvedLoad({std::string(name), "5"});
      ASSERT_FALSE(values) << name;
      EXPECT_THAT(values.error().message,
                  AllOf(HasSubstr(std::string(name)), HasSubstr(std::string(flag.use)),
                        HasSubstr("docs/coming-from.md")));
    }
  EXPECT_THAT(resolvedLoad({"-h", "127.0.0.1"}).error().message, HasSubstr("-addr"));
  EXPECT_TRUE(resolvedLoad({"-h"})->helpRequested());
  EXPECT_TRUE(resolvedLoad({"-c", "5", "-h"})->helpRequested());
  EXPECT_THAT(errorOf({{"-n", "5"}, {}, {}, 2}), Not(HasSubstr("memtier"))) << "of another command";
}

TEST(Resolve, TakesTheUserOfAUrlAndKeepsItsPasswordOutOfTheListing) {
  const auto values = resolvedLoad({"-addr=redis://lab:secret@127.0.0.1:1,redis://lab:secret@h:2"});
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(values->text("addr"), "127.0.0.1:1,h:2");
  EXPECT_EQ(values->text("user"), "lab");
  EXPECT_EQ(values->at("addr").password, "secret");
  for (const auto& [name, text] : values->config()) EXPECT_THAT(text, Not(HasSubstr("secret")));
  EXPECT_EQ(resolvedLoad({}, {"REDLINE_ADDR=redis://lab:secret@h:2"})->text("user"), "lab");
  EXPECT_TRUE(resolvedLoad({"-user=lab", "-addr=redis://lab:secret@h:2"}));
  EXPECT_THAT(resolvedLoad({"-user=other", "-addr=redis://lab:secret@h:2"}).error().message,
              AllOf(HasSubstr("-user=other contradicts"), Not(HasSubstr("secret"))));
  EXPECT_THAT(resolvedLoad({"-addr=redis://a:secret@h:1,redis://b:secret@h:2"}).error().message,
              AllOf(HasSubstr("different users"), Not(HasSubstr("secret"))));
}

TEST(Resolve, PassesOverTheVariablesOfAKubernetesService) {
  EXPECT_TRUE(resolvedLoad(
      {}, {"REDLINE_SERVICE_HOST=10.0.0.1", "REDLINE_SERVICE_PORT=6379",
           "REDLINE_SERVICE_PORT_REDIS=6379", "REDLINE_PORT=tcp://10.0.0.1:6379",
           "REDLINE_PORT_6379_TCP=tcp://10.0.0.1:6379", "REDLINE_PORT_6379_TCP_PROTO=tcp",
           "REDLINE_PORT_6379_TCP_PORT=6379", "REDLINE_PORT_6379_TCP_ADDR=10.0.0.1",
           "REDLINE_LAB_SERVICE_HOST=10.0.0.1", "REDLINE_LAB_PORT=udp://10.0.0.1:53",
           "REDLINE_LAB_PORT_53_UDP=udp://10.0.0.1:53"}));
  for (const char* const variable : {"REDLINE_PORT=6379", "REDLINE_PORT_6379=1", "REDLINE_HOST=h"})
    EXPECT_FALSE(resolvedLoad({}, {variable})) << variable;
}

}  // namespace
}  // namespace redline
