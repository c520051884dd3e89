#include "top/screen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "top/screen_parts.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TopView busyView() {
  TopView view;
  view.isCluster = true;
  NodeRow node;
  node.node = "127.0.0.1:7700";
  node.role = "master";
  node.load = {31'000, 0, 0.984, 0.431, 412e6, 1e9, 0, 4, 0, 51, 1e6};
  view.nodes = {node, node};
  view.nodes.back().node = "127.0.0.1:7701";
  view.nodes.back().problem = "nothing listens on 127.0.0.1:7701";
  view.nodes.back().problemBegan = true;
  view.health.state = "ok";
  view.eventsKnown = true;
  view.policy = "noeviction";
  view.all = node.load;
  Event slow;
  slow.kind = "slowlog";
  slow.name = "hgetall";
  slow.node = "127.0.0.1:7700";
  slow.duration = 421 * kMillisecond;
  slow.detail = "HGETALL big:hash:0\x1b[2J\nbye";
  view.events = {slow};
  view.news = {slow};
  view.countsUses = true;
  view.hotKeys = {{"obj:7", "127.0.0.1:7700", 1234, 255, 0.42}};
  view.hotSlots = {{1234, "127.0.0.1:7700", 0.43, 60}};
  view.bigKeys = {
      {"big:hash:0\x1b]0;x\a", "127.0.0.1:7700", "hash", 46'000'000, 1'000'000, 0.361, "HGETALL"}};
  view.families = {{"obj:*", 1'000'000, 180'000'000}};
  view.familyBytes = 180'000'000;
  view.looked = 12'000;
  view.keys = 1'000'000;
  view.commandsPerS = 2600;
  view.serverUsPerS = 9100;
  view.ownCpu = 0.012;
  return view;
}

std::string joined(const std::vector<std::string>& lines) {
  return fmt::format("{}\n", fmt::join(lines, "\n"));
}

const ScreenTitle kTitle{"cluster of 127.0.0.1:7700", 0, "q quits"};

TEST(TopScreen, ShowsEverythingThatItKnows) {
  const std::string screen = joined(topScreen(busyView(), kTitle, {140, 0, false}));
  for (const char* const part :
       {"31k", "98.4%", "43.1%", "nothing listens on 127.0.0.1:7701", "hgetall took 421 ms",
        "~42.0%  obj:7  counter 255  slot 1234", "slot 1234", "60 keys", "43.9 MB",
        "hash of 1M  HGETALL blocks about 361 ms", "12k of 1M keys seen", "obj:*",
        "2.6k commands/s and 9.1 ms of the servers a second (0.9% of a core)", "q quits"})
    EXPECT_THAT(screen, HasSubstr(part));
}

TEST(TopScreen, MakesTextsOfServersHarmless) {
  const std::string screen = joined(topScreen(busyView(), kTitle, {140, 0, false}));
  EXPECT_THAT(screen, Not(HasSubstr("\x1b")));
  EXPECT_THAT(screen, Not(HasSubstr("\a")));
  EXPECT_THAT(screen, HasSubstr("HGETALL big:hash:0\\x1b[2J\\nbye"));
  EXPECT_THAT(joined(topLines(busyView(), 0)), Not(HasSubstr("\x1b")));
  EXPECT_THAT(topJson(busyView(), 0), Not(HasSubstr("\x1b")));
}

TEST(TopScreen, FitsTheTerminal) {
  TopView view = busyView();
  for (int i = 0; i < 50; ++i) view.events.push_back(view.events.front());
  for (const std::size_t rows : {10U, 24U, 50U})
    for (const std::size_t columns : {40U, 80U, 200U}) {
      const auto lines = topScreen(view, kTitle, {columns, rows, false});
      EXPECT_LE(lines.size(), rows) << columns << " x " << rows;
      for (const std::string& line : lines) {
        const auto characters =
            std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; });
        EXPECT_LE(characters, static_cast<std::ptrdiff_t>(columns)) << line;
      }
    }
}

/// The screen as one line, as it was before it was wrapped.
std::string unwrapped(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text += fmt::format(" {}", line.substr(std::min(line.size(), line.find_first_not_of(' '))));
  return text;
}

TEST(TopScreen, CutsNothingWhereItMayHaveAnyNumberOfRows) {
  TopView view = busyView();
  view.countsUses = false;
  view.notes = {std::string(30, 'a') + " " + std::string(200, 'b') + " the end"};
  for (const std::size_t columns : {0U, 60U, 80U, 100U}) {
    const auto lines = topScreen(view, kTitle, {columns, 0, false});
    EXPECT_THAT(lines, Not(Contains(HasSubstr("…")))) << columns;
    EXPECT_THAT(unwrapped(lines),
                AllOf(HasSubstr("MONITOR would cost too much"), HasSubstr("the end"),
                      HasSubstr("9.1 ms of the servers a second (0.9% of a core), and 1.2% of a"),
                      HasSubstr("nothing listens on 127.0.0.1:7701")))
        << columns;
    for (const char* const figure : {"evict/s", "expire/s", "clients", "keys", " 51", " 1M"})
      EXPECT_THAT(unwrapped(lines), HasSubstr(figure)) << columns;
  }
}

TEST(TopScreen, HasWholeColumnsAndTextsOnATerminalOf80Columns) {
  const auto lines = topScreen(busyView(), kTitle, {80, 40, false});
  EXPECT_THAT(lines[1], testing::EndsWith("of limit  evict/s"));
  EXPECT_THAT(lines, Contains("all masters: expire/s 4, keys 1M, clients 51"));
  EXPECT_THAT(unwrapped(lines), HasSubstr("and 1.2% of a core here"));
}

TEST(TopScreen, SaysNothingOfItsOwnCpuWhereItIsNotKnown) {
  TopView view = busyView();
  view.ownCpu = kNaN;
  EXPECT_THAT(topScreen(view, kTitle, {0, 0, false}).back(), testing::EndsWith("of a core)"));
}

TEST(WrappedText, BreaksAtBlanksAndElsewhereOnlyWhereThereAreNone) {
  EXPECT_EQ(wrappedText("  a  bc de", 7), (std::vector<std::string>{"  a  bc", "    de"}));
  EXPECT_EQ(wrappedText("ééééé é", 6), (std::vector<std::string>{"ééééé", "    é"}));
  EXPECT_EQ(wrappedText("abcdefgh", 6), (std::vector<std::string>{"abcdef", "    gh"}));
  EXPECT_EQ(wrappedText("", 6), (std::vector<std::string>{""}));
}

TEST(TopScreen, HasColoursOnlyWhereAsked) {
  EXPECT_THAT(joined(topScreen(busyView(), kTitle, {140, 0, true})), HasSubstr("\x1b[1m"));
}

TEST(TopScreen, SaysWhatSamplingCannotTell) {
  TopView view = busyView();
  view.countsUses = false;
  view.slotsCounted = 512;
  const std::string screen = joined(topScreen(view, kTitle, {140, 0, false}));
  EXPECT_THAT(screen, AllOf(HasSubstr("only an LFU policy counts uses"),
                            HasSubstr("Slots with most keys (512 slots counted): keys, not load")));
  view.looked = view.keys = 0;
  view.bigKeys.clear();
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              HasSubstr("no keys in database 0)"));
  view.otherKeys = 3;
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              HasSubstr("no keys in database 0; 3 in other databases"));
}

TEST(TopScreen, SaysWhichKeysOfAPrefixWereSeenAndWhichAreExtrapolated) {
  TopView view = busyView();
  view.families = {{"big:*", 1, 24'000'000, 1, 24'000'000}, {"obj:*", 100'000, 6'000'000}};
  view.familyBytes = 40'000'000;
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              AllOf(HasSubstr("60.0%  big:*  1 seen, 22.9 MB each"),
                    HasSubstr("15.0%  obj:*  ~100k keys, 60 B each")));
  view.whole = true;
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              AllOf(HasSubstr("big:*  1 key, "), HasSubstr("obj:*  100k keys, ")));
}

TEST(TopScreen, SaysWhatOfItsFiguresIsNoLoad) {
  TopView view = busyView();
  std::string screen = joined(topScreen(view, kTitle, {0, 0, false}));
  EXPECT_THAT(screen, AllOf(Not(HasSubstr("PING")), Not(HasSubstr("SCAN"))));
  view.all.pingsPerS = 950;
  view.all.expiredPerS = 272;
  view.all.expiredByUsPerS = 250;
  screen = joined(topScreen(view, kTitle, {0, 0, false}));
  EXPECT_THAT(screen, AllOf(HasSubstr("of the ops/s 950 are PING"),
                            HasSubstr("of the expire/s about 250 are this view's")));
  EXPECT_THAT(topLines(view, 0).front(), HasSubstr("31k ops/s (950 PING)"));
  EXPECT_THAT(topJson(view, 0), AllOf(HasSubstr("\"pings_per_s\":950.0"),
                                      HasSubstr("\"expired_by_top_per_s\":250.0")));
}

TEST(TopScreen, TakesNoDefaultForAFactWhereInfoCannotBeRead) {
  TopView view;
  view.nodes.push_back({"127.0.0.1:7700", "", {}, "INFO is refused"});
  const std::string screen = joined(topScreen(view, kTitle, {140, 0, false}));
  EXPECT_THAT(screen, AllOf(HasSubstr("nor are the servers' roles"),
                            HasSubstr("whether the servers count uses is not known"),
                            HasSubstr("none that could be read"), Not(HasSubstr("masters alone")),
                            Not(HasSubstr("only an LFU"))));
  view.nodes.front() = {"127.0.0.1:7700", "replica", {}, ""};
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              HasSubstr("keys are looked at on masters alone"));
}

TEST(TopScreen, NamesThePolicyThatCountsNoUsesAndProposesNone) {
  TopView view = busyView();
  view.countsUses = false;
  const std::string screen = joined(topScreen(view, kTitle, {140, 0, false}));
  EXPECT_THAT(screen,
              AllOf(HasSubstr("(maxmemory-policy is noeviction)"), Not(HasSubstr("allkeys-lfu"))));
  view.policy = "volatile-lfu";
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})), Not(HasSubstr("only an LFU")));
}

TEST(TopScreen, SaysWhatIsWrongWithTheWholeCluster) {
  TopView view = busyView();
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})), Not(HasSubstr("cluster_state")));
  view.health = {"fail", 3, 5461, 0};
  view.healthTurned = true;
  const std::string text = "cluster_state fail: 5461 slots of failed masters, 3 slots of no master";
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})), HasSubstr(text));
  EXPECT_THAT(joined(topLines(view, 0)), HasSubstr("cluster  " + text));
  EXPECT_THAT(topJson(view, 0),
              AllOf(HasSubstr("\"cluster_state\":\"fail\""), HasSubstr("\"slots_failed\":5461")));
  view.healthTurned = false;
  EXPECT_THAT(joined(topLines(view, 0)), Not(HasSubstr("cluster_state")));
  view.health = {"ok", 0, 0, 1};  // cluster-require-full-coverage no
  EXPECT_THAT(joined(topScreen(view, kTitle, {140, 0, false})),
              HasSubstr("cluster_state ok: 1 slot of masters that may have failed"));
}

TEST(TopScreen, HasTheFirstFigureWhateverItsWidth) {
  for (std::size_t columns = 10; columns < 40; ++columns) {
    const auto lines = topScreen(busyView(), kTitle, {columns, 20, false});
    EXPECT_THAT(lines, Contains(HasSubstr("31k"))) << columns;
  }
  EXPECT_THAT(unwrapped(topScreen(busyView(), kTitle, {20, 20, false})),
              HasSubstr("The rest needs 30 columns."));
}

TEST(TopScreen, HasNoFiguresWhereNothingIsKnown) {
  TopView view;
  view.nodes.push_back({"127.0.0.1:7700", "", {}, "it has not answered yet"});
  view.nodes.push_back(view.nodes.front());
  const std::string screen = joined(topScreen(view, kTitle, {140, 0, false}));
  EXPECT_THAT(screen, HasSubstr("it has not answered yet"));
  EXPECT_THAT(screen, Not(HasSubstr("0 B")));
  EXPECT_THAT(screen, HasSubstr("what this view costs the servers is not known"));
  EXPECT_THAT(joined(topLines(view, 0)),
              AllOf(HasSubstr("memory –"), HasSubstr("observing –/s, –/s")));
  EXPECT_THAT(topJson(view, 0),
              AllOf(HasSubstr("\"memory_bytes\":null"), HasSubstr("\"keys\":null")));
}

TEST(TopLines, AreOneLineAndOneForEachEvent) {
  const auto lines = topLines(busyView(), 0);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("31k ops/s  hits 98.4%  main thread 43.1%"),
                              HasSubstr("hottest obj:7 ~42.0%"), HasSubstr("observing 2.6k/s")));
  EXPECT_THAT(lines[1], HasSubstr("nothing listens"));
  EXPECT_THAT(lines[2], HasSubstr("hgetall took 421 ms"));
  TopView view = busyView();
  view.nodes.back().problemBegan = false;
  EXPECT_THAT(topLines(view, 0), SizeIs(2)) << "the problem goes on";
  EXPECT_THAT(topLines(view, 0).front(), HasSubstr("without 1 of 2 nodes"));
  view.nodes.back().problem = "";
  view.nodes.back().problemEnded = true;
  EXPECT_THAT(topLines(view, 0)[1], HasSubstr("127.0.0.1:7701  answers"));
}

TEST(TopJson, IsOneLineWithEveryFigure) {
  const std::string json = topJson(busyView(), 1500 * kMillisecond);
  EXPECT_THAT(json, Not(HasSubstr("\n")));
  for (const char* const part : {"\"schema\":1", "\"at_unix_s\":1.5", "\"ops_per_s\":31000.0",
                                 "\"problem\":\"nothing listens on 127.0.0.1:7701\"",
                                 "\"kind\":\"slowlog\"", "\"key\":\"obj:7\"", "\"blocks_s\":0.361",
                                 "\"commands_per_s\":2600.0", "\"keys_looked_at\":12000"})
    EXPECT_THAT(json, HasSubstr(part));
}

}  // namespace
}  // namespace redline
