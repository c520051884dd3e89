#include "report/terminal.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(Terminal, WrapsSentencesAndAlignsTables) {
  Table table{.title = "Rates", .columns = columnsOf({"batch", "ops/s", "p99"})};
  table.add({"1", "80k/s", "1 ms"});
  Cell batched("600k/s");
  batched.range = "[590k – 610k]";
  table.add({"sixteen", batched, "2 ms"});
  FindingList findings;
  findings.lines.push_back({.mark = "Caution", .text = "one two three four five"});
  const Blocks blocks{Paragraph{.text = "aaaa bbbb cccc dddd eeee", .lead = "A"}, table, findings,
                      Code{{"redline driver"}}, Details{"more", {Paragraph{.text = "hidden"}}}};
  EXPECT_EQ(toTerminal(blocks, 22),
            "A  aaaa bbbb cccc dddd\n"
            "   eeee\n"
            "\n"
            "Rates\n"
            "batch    ops/s                 p99\n"
            "1        80k/s                 1 ms\n"
            "sixteen  600k/s [590k – 610k]  2 ms\n"
            "  - Caution: one two\n"
            "    three four five\n"
            "  redline driver\n");
}

}  // namespace
}  // namespace redline
