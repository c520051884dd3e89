#include "base/toml_nesting.h"

#include <gtest/gtest.h>

#include <string>

namespace redline {
namespace {

std::string times(int count, const std::string& text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(TomlNesting, FindsAKeyOfTooManyParts) {
  EXPECT_EQ(lineNestedTooDeep("a = 1\n\n" + times(50'000, "a.") + "a = 1\n"), 3U);
  EXPECT_EQ(lineNestedTooDeep("[" + times(50'000, "a .") + "a]"), 1U);
  EXPECT_EQ(lineNestedTooDeep(times(50'000, "\"a.b\" . 'c'.") + "a = 1"), 1U);
  EXPECT_EQ(lineNestedTooDeep("x = { " + times(50'000, "a.") + "a = 1 }"), 1U);
  EXPECT_EQ(lineNestedTooDeep(times(17, "a.") + "a = 1"), 1U);
  EXPECT_EQ(lineNestedTooDeep(times(15, "a.") + "a = 1"), std::nullopt);
}

TEST(TomlNesting, FindsTooManyOpenBrackets) {
  EXPECT_EQ(lineNestedTooDeep("a = " + times(50'000, "[")), 1U);
  EXPECT_EQ(lineNestedTooDeep("a = [\n" + times(50'000, "{ a = ")), 2U);
  EXPECT_EQ(lineNestedTooDeep("a = " + times(16, "[") + times(16, "]")), std::nullopt);
}

TEST(TomlNesting, CountsNeitherTextsNorComments) {
  const std::string dots = times(100, "1.") + times(100, "[{");
  for (const std::string& text :
       {"a = \"" + dots + "\"", "a = '" + dots + "'", "# " + dots, "a = \"\"\"\n" + dots + "\"\"\"",
        "a = '''\n" + dots + "'''", "a = \"\\\"" + dots + "\"", "a = \"x\" # " + dots})
    EXPECT_EQ(lineNestedTooDeep(text), std::nullopt) << text.substr(0, 10);
  EXPECT_EQ(lineNestedTooDeep("a = 'x\\' # '\n" + dots), 2U) << "no escapes in a literal";
  EXPECT_EQ(lineNestedTooDeep(times(100, "a = 1.5\n[b.c]\n")), std::nullopt);
}

TEST(TomlNesting, ReadsToTheEndOfBrokenTexts) {
  for (const char* const text : {"", "\"", "'", "\"\"\"", "\"\\", "'''x", "\"\"\"\\", "#", "]]}}"})
    EXPECT_EQ(lineNestedTooDeep(text), std::nullopt) << text;
}

}  // namespace
}  // namespace redline
