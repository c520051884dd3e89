// Text from peers and files, printed by the real program: nothing in it reaches a terminal raw or
// without a bound, and it costs no advice.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/text.h"
#include "os/files.h"
#include "support/real_redis.h"
#include "support/redline_shell.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::BarePeer;
using test::runShell;
using test::ShellEnd;
using test::startRedis;
using test::TemporaryDirectory;
using testing::HasSubstr;

const std::string kHostile = "\x1b[31mred\x1b]0;title\x07\xC2\x9B 2J\xff\xE2\x80\xAE end";

void expectPrintable(const std::string& text, const std::string& of) {
  EXPECT_EQ(printableLines(text), text) << of;
  EXPECT_LT(text.size(), 20'000U) << of;
}

void expectPrintable(const ShellEnd& ended, const std::string& of) {
  expectPrintable(ended.out, of);
  expectPrintable(ended.errors, of);
}

TEST(HostileText, OfAServerIsEscapedAndCutByEveryCommand) {
  const TemporaryDirectory home;
  for (const std::string& answer :
       {"-ERR " + kHostile + "\r\n", "-ERR " + std::string(1'000'000, 'x') + "\r\n",
        "-NOPERM " + kHostile + "\r\n", "-LOADING " + kHostile + "\r\n", "+" + kHostile + "\r\n",
        "+" + std::string(1'000'000, 'x') + "\r\n",
        fmt::format("${}\r\n{}\r\n", kHostile.size(), kHostile), kHostile + "\r\n",
        std::string("-ERR a\0b\r\n", 10), "$" + std::string(60'000, '9') + "\r\n"}) {
    const BarePeer peer(answer);
    const std::string addr = " -addr=" + peer.endpoint().text();
    std::vector<std::string> commands{"driver"};
    if (answer.starts_with("-ERR"))
      commands.insert(commands.end(), {"loader", "chaos -action=bgsave"});
    for (const std::string& command : commands) {
      const auto ended = runShell(home.path(), "REDLINE_PASSWORD=x $R " + command + addr);
      EXPECT_EQ(ended.code, 1) << command << ended.errors;
      expectPrintable(ended, command + " " + printable(answer, 60));
    }
  }
}

TEST(HostileText, OfFlagsAndFilesIsEscaped) {
  const TemporaryDirectory home;
  ASSERT_TRUE(writeWholeFile(home.path() / "hostile.toml", "\"" + kHostile + "\" = 1\n"));
  ASSERT_TRUE(writeWholeFile(home.path() / "keys.toml", "\"k\\u001b[31m\" = 1\n"));
  ASSERT_TRUE(writeWholeFile(home.path() / "value.toml", "rate = \"\\u001b[31m\"\n"));
  for (const std::string command :
       {"driver -config=hostile.toml", "driver -config=keys.toml", "driver -config=value.toml",
        "driver -config=$'\\x1b[31m'", "driver -rate=$'\\x1b[31m'", "driver $'-\\x1b[31m'",
        "driver $'-r\\x1b[31m'", "$'\\x1b[31m'", "driver -addr=$'\\x1b[31m:1'", "help $'\\x1b[31m'",
        "stack up node -name=$'\\x1b[31m'", "stack down $'\\x1b[31m'", "report $'\\x1b[31m'",
        "compare $'\\x1b[31m' $'\\n'", "lab list $'\\x1b[31m'", "lab run fsync -set=$'\\x1b[31m'",
        "driver -chaos=$'\\x1b[31m'"}) {
    const auto ended = runShell(home.path(), "$R " + command);
    EXPECT_THAT(ended.code, testing::AnyOf(1, 2)) << command;
    expectPrintable(ended, command);
  }
}

TEST(HostileText, OfAForeignRunDirectoryIsEscapedInReports) {
  const auto redis = startRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto driven = runShell(
      home.path(), fmt::format("$R driver -addr={} -keys=1000 -rate=1000 -warmup=0 -duration=300ms "
                               "-interval=100ms -out=run -hot-seed=7 -dist=zipfian",
                               redis->endpoint().text()));
  ASSERT_THAT(driven.code, testing::AnyOf(0, 3)) << driven.errors;
  // Every text of the run becomes hostile: JSON's escapes keep it well formed.
  const std::string escape = "\\u001b[31m\\u0000\\u009b\\n\\u202e";
  for (const char* const name : {"plan.json", "summary.json", "events.jsonl"}) {
    const fs::path file = home.path() / "run" / name;
    std::string text = readWholeFile(file).value_or("");
    for (const char* const at :
         {"\"driver\"", "\"master\"", "\"7.", "\"zipfian\"", "\"note", "\"x86"})
      replaceAll(text, at, "\"" + escape + (at + 1));
    ASSERT_TRUE(writeWholeFile(file, text));
  }
  for (const std::string command : {"report run", "compare run run", "report run/summary.json"}) {
    const auto ended = runShell(home.path(), "$R " + command);
    expectPrintable(ended, command);
  }
  const auto findings = readWholeFile(home.path() / "run/FINDINGS.md");
  ASSERT_TRUE(findings) << findings.error().message;
  EXPECT_EQ(printableLines(*findings), *findings);
  EXPECT_THAT(*findings, HasSubstr("u202e")) << "nothing hostile is in the report";
  const auto page = readWholeFile(home.path() / "run/report.html");
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->find('\x1b'), std::string::npos);
  EXPECT_EQ(page->find('\0'), std::string::npos);
  EXPECT_EQ(page->find("\xE2\x80\xAE"), std::string::npos);
}

TEST(HostileConfig, IsOneLineInBoundedTime) {
  const TemporaryDirectory home;
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "a.";
  ASSERT_TRUE(writeWholeFile(home.path() / "deep.toml", deep + "a = 1\n"));
  ASSERT_TRUE(writeWholeFile(home.path() / "header.toml", "[" + deep + "a]\n"));
  ASSERT_TRUE(writeWholeFile(home.path() / "lists.toml", "a = " + std::string(100'000, '[')));
  const auto errorOf = [&](const std::string& config) {
    const auto ended = runShell(home.path(), "$R driver -config=" + config);
    EXPECT_EQ(ended.code, 2) << config;
    EXPECT_EQ(ended.out, "") << config;
    EXPECT_EQ(std::count(ended.errors.begin(), ended.errors.end(), '\n'), 1) << ended.errors;
    return ended.errors;
  };
  for (const char* const file : {"deep.toml", "header.toml", "lists.toml"})
    EXPECT_THAT(errorOf(file), HasSubstr(std::string(file) + ":1: nested more than"));
  EXPECT_THAT(errorOf("/dev/zero"), HasSubstr("/dev/zero has more than"));
  EXPECT_THAT(errorOf("<(yes)"), HasSubstr("has more than"));
  EXPECT_THAT(errorOf("/tmp"), HasSubstr("/tmp is a directory: name a file"));
  EXPECT_THAT(errorOf("absent.toml"), HasSubstr("No such file"));
}

}  // namespace
}  // namespace redline
