#include "lab/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<ParameterSpec> kSpecs{
    {.name = "keys", .kind = ParameterKind::count, .help = "how many keys"},
    {.name = "duration", .kind = ParameterKind::duration, .help = "measured time"},
    {.name = "batches", .kind = ParameterKind::count, .list = true, .help = "batch sizes"},
    {.name = "policy", .kind = ParameterKind::choice, .help = "which", .choices = {"lru", "lfu"}},
};

constexpr std::string_view kSound = R"(
[all]
keys = "100k"
policy = "lru"
batches = [1, 16]
[quick]
repeat = 1
duration = "500ms"
[standard]
repeat = 3
duration = "5s"
batches = [1, 2, 16]
[full]
repeat = 5
duration = "20s"
)";

Result<Parameters> read(std::string_view toml, Profile profile = Profile::quick,
                        std::vector<ParameterOverride> overrides = {}) {
  return readParameters(kSpecs, "x.toml", toml, profile, overrides);
}

/// kSound with one line replaced by another.
std::string with(std::string_view line, std::string_view instead) {
  std::string text(kSound);
  const std::size_t at = text.find(line);
  EXPECT_NE(at, std::string::npos) << line;
  return text.replace(at, line.size(), instead);
}

std::string messageOf(std::string_view toml, Profile profile = Profile::quick) {
  const auto parameters = read(toml, profile);
  if (parameters) return "accepted";
  EXPECT_EQ(parameters.error().code, ErrorCode::usage);
  return parameters.error().message;
}

TEST(Parameters, AProfilesOwnValueStandsAboveThatOfAll) {
  const auto quick = read(kSound);
  const auto standard = read(kSound, Profile::standard);
  ASSERT_TRUE(quick && standard);
  EXPECT_EQ(quick->count("keys"), 100'000U);
  EXPECT_EQ(quick->duration("duration"), 500 * kMillisecond);
  EXPECT_THAT(quick->numbers("batches"), ElementsAre(1, 16));
  EXPECT_THAT(standard->numbers("batches"), ElementsAre(1, 2, 16));
  EXPECT_EQ(standard->repeats(), 3U);
  EXPECT_EQ(quick->text("keys"), "100k");
}

TEST(Parameters, WhatIsSetOnTheCommandLineStandsAboveTheFile) {
  const auto overrides = parseOverrides("duration=2s; batches = 1,8 ; repeat=2");
  ASSERT_TRUE(overrides);
  const auto parameters = read(kSound, Profile::quick, *overrides);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->duration("duration"), 2 * kSecond);
  EXPECT_THAT(parameters->numbers("batches"), ElementsAre(1, 8));
  EXPECT_EQ(parameters->repeats(), 2U);
  EXPECT_FALSE(parseOverrides("duration"));
}

TEST(Parameters, AnUnknownNameIsRefusedWithFileLineAndSuggestion) {
  EXPECT_THAT(messageOf(with("keys = \"100k\"", "kyes = \"100k\"")),
              AllOf(HasSubstr("x.toml:3:"), HasSubstr("'kyes'"), HasSubstr("did you mean keys?")));
  // Also in a profile that is not asked for.
  EXPECT_THAT(messageOf(with("duration = \"20s\"", "duraton = \"20s\"")),
              AllOf(HasSubstr("x.toml:15:"), HasSubstr("did you mean duration?")));
  EXPECT_THAT(messageOf(with("[standard]", "[standrad]")),
              AllOf(HasSubstr("x.toml:9:"), HasSubstr("did you mean standard?")));
}

TEST(Parameters, AWrongUnitIsRefusedWithAnExample) {
  EXPECT_THAT(
      messageOf(with("duration = \"500ms\"", "duration = 500")),
      AllOf(HasSubstr("x.toml:8:"), HasSubstr("duration is a duration"), HasSubstr("\"2s\"")));
  EXPECT_THAT(messageOf(with("keys = \"100k\"", "keys = \"100KB\"")), HasSubstr("x.toml:3:"));
  EXPECT_THAT(messageOf(with("policy = \"lru\"", "policy = \"lrx\"")),
              AllOf(HasSubstr("e.g. \"lru\""), HasSubstr("use lru or lfu")));
  EXPECT_THAT(messageOf(with("keys = \"100k\"", "keys = [1, 2]")), HasSubstr("not a list"));
  EXPECT_THAT(messageOf(with("batches = [1, 16]", "batches = []")), HasSubstr("empty list"));
}

TEST(Parameters, AProfileThatContradictsItselfIsRefused) {
  EXPECT_THAT(messageOf(with("repeat = 3", "repeat = 1"), Profile::standard),
              AllOf(HasSubstr("x.toml:10:"), HasSubstr("states intervals")));
  EXPECT_THAT(messageOf(with("duration = \"500ms\"", "")),
              AllOf(HasSubstr("profile quick has no 'duration'"), HasSubstr("[quick]")));
  EXPECT_THAT(messageOf(with("repeat = 1", "repeat = 0")), HasSubstr("nothing would be measured"));
}

TEST(Parameters, WhatIsNoTomlIsRefusedWithItsLine) {
  EXPECT_THAT(messageOf("[all]\nkeys = = 3\n"), HasSubstr("x.toml:2: not TOML"));
  EXPECT_THAT(messageOf("keys = 3\n"), AllOf(HasSubstr("x.toml:1:"), HasSubstr("no table")));
}

TEST(Parameters, ARefusalOfTheExperimentNamesTheLine) {
  const auto parameters = read(kSound);
  ASSERT_TRUE(parameters);
  EXPECT_EQ(parameters->refuse("batches", "sort them").value().message,
            "x.toml:5: profile quick: batches = 1, 16: sort them");
}

TEST(Profile, IsReadWithASuggestion) {
  EXPECT_EQ(parseProfile("standard").value(), Profile::standard);
  EXPECT_THAT(parseProfile("standrad").error().message, HasSubstr("did you mean standard?"));
}

}  // namespace
}  // namespace redline
