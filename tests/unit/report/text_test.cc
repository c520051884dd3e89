#include "report/text.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

constexpr std::string_view kReplaced = "\xEF\xBF\xBD";

TEST(EscapeHtml, LeavesNoMarkup) {
  EXPECT_EQ(escapeHtml("<script a=\"1\" b='2'>&"),
            "&lt;script a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
}

TEST(EscapeHtml, KeepsWellFormedUtf8) {
  EXPECT_EQ(escapeHtml("87 µs – ≥ 😀"), "87 µs – ≥ 😀");
}

TEST(EscapeHtml, ReplacesControlsAndWhatIsNoUtf8) {
  for (const std::string_view bad : {std::string_view("\0", 1), std::string_view("\x1b"),
                                     std::string_view("\xff"), std::string_view("\xc2\x85")})
    EXPECT_EQ(escapeHtml(bad), kReplaced);
  // An overlong slash, a surrogate and a cut-off character: one mark for each byte.
  EXPECT_EQ(escapeHtml("\xc0\xaf"), std::string(kReplaced) + std::string(kReplaced));
  EXPECT_EQ(escapeHtml("\xe2\x82"), std::string(kReplaced) + std::string(kReplaced));
  EXPECT_EQ(escapeHtml("\xed\xa0\x80").size(), 3 * kReplaced.size());
}

TEST(EscapeMarkdown, StaysOnItsLineAndInItsCell) {
  EXPECT_EQ(escapeMarkdown("a|b\nc"), "a\\|b c");
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
