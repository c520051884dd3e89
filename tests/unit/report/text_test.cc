#include "report/text.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escapeHtml("<script a=\"1\" b='2'>&"),
            "&lt;script a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
}

TEST(EscapeHtml, KeepsWellFormedUtf8) {
  EXPECT_EQ(escapeHtml("87 µs – ≥ 😀"), "87 µs – ≥ 😀");
}

TEST(EscapeHtml, ShowsControlsAndWhatIsNoUtf8) {
  EXPECT_EQ(escapeHtml(std::string_view("\0\x1b<", 3)), "\\x00\\x1b&lt;");
  EXPECT_EQ(escapeHtml("\xff\xc2\x85"), "\\xff\\u0085");
}

TEST(EscapeMarkdown, StaysOnItsLineAndInItsCell) {
  EXPECT_EQ(escapeMarkdown("a|b\nc"), "a\\|b\\\\nc");
  EXPECT_EQ(escapeMarkdown("*x* _y_ `z` [l](u) <b> #1"),
            "\\*x\\* \\_y\\_ \\`z\\` \\[l\\](u) &lt;b&gt; \\#1");
}

TEST(MarkdownCode, FencesBackticks) {
  EXPECT_EQ(markdownCode("-rate=10k"), "`-rate=10k`");
  EXPECT_EQ(markdownCode("a``b"), "``` a``b ```");
}

TEST(Shortened, CountsCharactersAndCutsNone) {
  EXPECT_EQ(shortened("µµµµ", 4), "µµµµ");
  EXPECT_EQ(shortened("µµµµµ", 4), "µµµ…");
}

TEST(Grouped, PutsACommaEveryThreeDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'000), "1,000");
  EXPECT_EQ(grouped(18'446'744'073'709'551'615ULL), "18,446,744,073,709,551,615");
}

TEST(MicrosCell, HasADecimalBelowAThousand) {
  EXPECT_EQ(microsCell(12.74), "12.7");
  EXPECT_EQ(microsCell(999.94), "999.9");
  EXPECT_EQ(microsCell(999.96), "1,000");
  EXPECT_EQ(microsCell(74'312.4), "74,312");
}

TEST(Text, PercentilesReadAsPeopleWriteThem) {
  EXPECT_EQ(percentileName("p99"), "p99");
  EXPECT_EQ(percentileName("p999"), "p99.9");
  EXPECT_EQ(percentileName("p9999"), "p99.99");
  EXPECT_EQ(percentileName("max"), "max");
}

TEST(Text, ALargeRatioHasNoDecimals) {
  EXPECT_EQ(formatRatio(9.27), "9.3");
  EXPECT_EQ(formatRatio(11'983.4), "11,983");
}

}  // namespace
}  // namespace redline
