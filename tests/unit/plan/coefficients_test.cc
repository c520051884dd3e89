#include "plan/coefficients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::HasSubstr;

std::string fileWith(std::string_view coefficients) {
  return std::string(R"({"schema": 1, "machine": "m", "measured": "today", "redis": "7.0.15",
    "redline": "0.1.0", "coefficients": [)") +
         std::string(coefficients) + "]}";
}
constexpr std::string_view kOneFork = R"({"name": "fork_page_ns", "value": 100, "low": 90,
  "high": 120, "count": 6, "unit": "ns", "source": "this test"})";

TEST(Coefficients, OfTheBuildAreCompleteAndSound) {
  const Coefficients all = Coefficients::committed();
  ASSERT_EQ(all.all().size(), coefficientSpecs().size());
  for (std::size_t i = 0; i < all.all().size(); ++i) {
    const Coefficient& each = all.all()[i];
    EXPECT_EQ(each.name, coefficientSpecs()[i].name);
    EXPECT_EQ(static_cast<std::size_t>(coefficientSpecs()[i].id), i);
    EXPECT_GT(each.value, 0) << each.name;
    EXPECT_FALSE(each.source.empty()) << each.name;
  }
  EXPECT_FALSE(all.origin().machine.empty());
}

TEST(Coefficients, OfAFileReplaceThoseOfTheBuildOneByOne) {
  const auto file = parseCoefficients(fileWith(kOneFork), "mine.json");
  ASSERT_TRUE(file) << file.error().message;
  const Coefficients all(*file);
  EXPECT_EQ(all.value(CoefficientId::forkPageNs), 100);
  EXPECT_EQ(all[CoefficientId::forkPageNs].source, "this test");
  EXPECT_EQ(all[CoefficientId::getUs].source,
            Coefficients::committed()[CoefficientId::getUs].source);
}

TEST(Coefficients, AreAtTheirWorseEndInAnUnfavourableOutlook) {
  const auto file = parseCoefficients(fileWith(kOneFork), "mine.json");
  ASSERT_TRUE(file);
  const Coefficients all(*file);
  EXPECT_EQ(all.value(CoefficientId::forkPageNs, Outlook::unfavourable), 120);
  EXPECT_EQ(all.value(CoefficientId::forkPageNs, Outlook::favourable), 90);
  EXPECT_EQ(all.value(CoefficientId::knee1ms, Outlook::unfavourable),
            all[CoefficientId::knee1ms].low);
}

TEST(Coefficients, SurviveTheirOwnFile) {
  const auto file = parseCoefficients(fileWith(kOneFork), "mine.json");
  ASSERT_TRUE(file);
  const auto again = parseCoefficients(coefficientsJson(*file), "again.json");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->coefficients.front().high, 120);
  EXPECT_EQ(again->machine, "m");
}

TEST(Coefficients, RefuseWhatIsNoMeasurement) {
  const auto problem = [](std::string_view one) {
    const auto file = parseCoefficients(fileWith(one), "mine.json");
    return file ? std::string() : file.error().message;
  };
  const auto with = [](std::string_view from, std::string_view to) {
    std::string text(kOneFork);
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_THAT(problem(with("fork_page_ns", "fork_page")), HasSubstr("fork_page"));
  EXPECT_THAT(problem(with("100", "0")), HasSubstr("above 0"));
  EXPECT_THAT(problem(with("100", "-1")), HasSubstr("above 0"));
  EXPECT_THAT(problem(with("100", "121")), HasSubstr("between"));
  EXPECT_THAT(problem(with("\"ns\"", "\"us\"")), HasSubstr("'ns'"));
  EXPECT_THAT(problem(with("\"value\": 100,", "")), HasSubstr("value"));
  EXPECT_THAT(problem(std::string(kOneFork) + "," + std::string(kOneFork)), HasSubstr("twice"));
  EXPECT_FALSE(parseCoefficients("{}", "mine.json"));
  EXPECT_FALSE(parseCoefficients("", "mine.json"));
}

}  // namespace
}  // namespace redline
