#include "resp/scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/rng.h"

namespace redline {
namespace {

using ScanStatus = ReplyScanner::Status;

struct Case {
  std::string bytes;
  ReplyType type;
  bool isNull;
  std::string payload;
  std::uint64_t elements;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"+OK\r\n", ReplyType::simple, false, "OK", 0},
      {"+\r\n", ReplyType::simple, false, "", 0},
      {"-ERR no\r\n", ReplyType::error, false, "ERR no", 0},
      {":-42\r\n", ReplyType::integer, false, "-42", 0},
      {"$5\r\nhello\r\n", ReplyType::bulk, false, "hello", 0},
      {"$0\r\n\r\n", ReplyType::bulk, false, "", 0},
      {"$4\r\n\r\n\r\n\r\n", ReplyType::bulk, false, "\r\n\r\n", 0},
      {"$-1\r\n", ReplyType::bulk, true, "", 0},
      {"*-1\r\n", ReplyType::array, true, "", 0},
      {"*0\r\n", ReplyType::array, false, "", 0},
      {"*2\r\n$1\r\na\r\n:7\r\n", ReplyType::array, false, "$1\r\na\r\n:7\r\n", 2},
      {"*2\r\n*1\r\n+x\r\n*0\r\n", ReplyType::array, false, "*1\r\n+x\r\n*0\r\n", 2},
      {"_\r\n", ReplyType::null, true, "", 0},
      {"#t\r\n", ReplyType::boolean, false, "t", 0},
      {",3.25\r\n", ReplyType::floating, false, "3.25", 0},
      {"(12345678901234567890123\r\n", ReplyType::bigNumber, false, "12345678901234567890123", 0},
      {"!7\r\nERR bad\r\n", ReplyType::bulkError, false, "ERR bad", 0},
      {"=8\r\ntxt:text\r\n", ReplyType::verbatim, false, "txt:text", 0},
      {"%1\r\n+k\r\n*1\r\n:1\r\n", ReplyType::map, false, "+k\r\n*1\r\n:1\r\n", 1},
      {"~2\r\n:1\r\n:2\r\n", ReplyType::set, false, ":1\r\n:2\r\n", 2},
      {">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n", ReplyType::push, false,
       "$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n", 2},
      {"|1\r\n+ttl\r\n:3\r\n$2\r\nhi\r\n", ReplyType::bulk, false, "hi", 0},
      {"|1\r\n+a\r\n*1\r\n:3\r\n*1\r\n+b\r\n", ReplyType::array, false, "+b\r\n", 1},
      {"*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", ReplyType::array, false,
       "|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n", 2},
  };
  return all;
}

void expectIs(const ReplyView& view, const Case& expected) {
  EXPECT_EQ(view.type, expected.type);
  EXPECT_EQ(view.isNull, expected.isNull);
  EXPECT_EQ(view.payload, expected.payload);
  EXPECT_EQ(view.elements, expected.elements);
  EXPECT_EQ(view.size, expected.bytes.size());
}

TEST(ReplyScanner, ReadsEveryTypeOfRespTwoAndThree) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.bytes);
    ReplyScanner scanner;
    ReplyView view;
    ASSERT_EQ(scanner.next(c.bytes, view), ScanStatus::complete);
    expectIs(view, c);
  }
}

TEST(ReplyScanner, StopsAtTheEndOfTheReplyHoweverMuchFollows) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.bytes);
    ReplyScanner scanner;
    ReplyView view;
    const std::string bytes = c.bytes + "+NEXT\r\n";
    ASSERT_EQ(scanner.next(bytes, view), ScanStatus::complete);
    expectIs(view, c);
  }
}

TEST(ReplyScanner, GivesTheSameReplyHoweverTheBytesAreCut) {
  for (const Case& c : cases()) {
    for (std::size_t cut = 0; cut < c.bytes.size(); ++cut) {
      SCOPED_TRACE(c.bytes + " cut at " + std::to_string(cut));
      ReplyScanner scanner;
      ReplyView view;
      // The second piece comes in another place of memory, as after a buffer has grown.
      const std::string first = c.bytes.substr(0, cut);
      ASSERT_EQ(scanner.next(first, view), ScanStatus::needMore);
      const std::string whole = c.bytes;
      ASSERT_EQ(scanner.next(whole, view), ScanStatus::complete);
      expectIs(view, c);
    }
  }
}

TEST(ReplyScanner, GivesTheSameReplyByteByByte) {
  for (const Case& c : cases()) {
    ReplyScanner scanner;
    ReplyView view;
    for (std::size_t n = 1; n < c.bytes.size(); ++n)
      ASSERT_EQ(scanner.next(std::string_view(c.bytes).substr(0, n), view), ScanStatus::needMore);
    ASSERT_EQ(scanner.next(c.bytes, view), ScanStatus::complete);
    expectIs(view, c);
  }
}

TEST(ReplyScanner, RefusesWhatIsNotResp) {
  for (const std::string bytes :
       {"HTTP/1.1 200 OK\r\n", "$abc\r\n", "$-2\r\n", "$99999999999999999999\r\n", "*x\r\n",
        ":1x\r\n", ":\r\n", "#maybe\r\n", "$3\r\nabcXY", "_x\r\n", "$\n", "+no carriage return\n",
        "*99999999999\r\n"}) {
    SCOPED_TRACE(bytes);
    ReplyScanner scanner;
    ReplyView view;
    EXPECT_EQ(scanner.next(bytes, view), ScanStatus::malformed);
  }
}

TEST(ReplyScanner, RefusesALineThatNeverEnds) {
  const std::string bytes = "+" + std::string(ReplyScanner::kMaxLine + 1, 'x');
  ReplyScanner scanner;
  ReplyView view;
  EXPECT_EQ(scanner.next(bytes, view), ScanStatus::malformed);
}

TEST(ReplyScanner, SurvivesRandomBytes) {
  Rng rng(7);
  constexpr std::string_view alphabet = "+-:$*_#,(!=%~|>0123456789\r\nab";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes;
    for (std::uint64_t n = rng.below(40); n > 0; --n)
      bytes.push_back(alphabet[rng.below(alphabet.size())]);
    ReplyScanner scanner;
    ReplyView view;
    std::string_view rest = bytes;
    while (!rest.empty() && scanner.next(rest, view) == ScanStatus::complete) {
      ASSERT_GT(view.size, 0U);
      ASSERT_LE(view.size, rest.size());
      rest.remove_prefix(view.size);
    }
  }
}

TEST(ReplyScanner, ReadsAShorterReplyBehindABulkThatCameInTwoPieces) {
  const std::string bulk = "$100\r\n" + std::string(100, 'v') + "\r\n";
  ReplyScanner scanner;
  ReplyView view;
  ASSERT_EQ(scanner.next(std::string_view(bulk).substr(0, 50), view), ScanStatus::needMore);
  ASSERT_EQ(scanner.next(bulk, view), ScanStatus::complete);
  EXPECT_EQ(view.size, bulk.size());
  ASSERT_EQ(scanner.next("$-1\r\n:1\r\n", view), ScanStatus::complete);
  EXPECT_TRUE(view.isNull);
  EXPECT_EQ(view.size, 5U);
}

TEST(ReplyScanner, RefusesALineThatIsTooLongHoweverItComes) {
  const std::string longest = "+" + std::string(ReplyScanner::kMaxLine - 2, 'x') + "\r\n";
  const std::string longer = "+" + std::string(ReplyScanner::kMaxLine - 1, 'x') + "\r\n";
  for (const std::size_t piece : {longest.size() - 1, std::size_t{4096}, longer.size()}) {
    ReplyScanner scanner;
    ReplyView view;
    scanner.next(std::string_view(longest).substr(0, piece), view);
    scanner.reset();
    EXPECT_EQ(scanner.next(longest, view), ScanStatus::complete);
    auto status = scanner.next(std::string_view(longer).substr(0, piece), view);
    if (status == ScanStatus::needMore) status = scanner.next(longer, view);
    EXPECT_EQ(status, ScanStatus::malformed) << piece;
  }
}

}  // namespace
}  // namespace redline
