#include "resp/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "resp/scanner.h"

namespace redline {
namespace {

using Type = Value::Type;
using namespace std::string_literals;

/// Feeds the bytes in pieces of `piece` and returns every value.
Result<std::vector<Value>> parseInPieces(std::string_view bytes, std::size_t piece) {
  ValueParser parser;
  std::vector<Value> values;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      Value value;
      auto whole = parser.next(value);
      if (!whole) return fail(whole.error());
      if (!*whole) break;
      values.push_back(std::move(value));
    }
  }
  return values;
}

Value parseOne(std::string_view bytes) {
  auto values = parseInPieces(bytes, bytes.size());
  EXPECT_TRUE(values.has_value()) << bytes;
  if (!values || values->size() != 1) {
    ADD_FAILURE() << "not one value: " << bytes;
    return {};
  }
  return values->front();
}

bool isRefused(std::string_view bytes) {
  auto values = parseInPieces(bytes, bytes.size());
  return !values && values.error().code == ErrorCode::invalidInput;
}

TEST(ValueParser, ReadsEveryScalarOfResp2AndResp3) {
  EXPECT_EQ(parseOne("+OK\r\n").text, "OK");
  EXPECT_EQ(parseOne("-ERR no\r\n").type, Type::error);
  EXPECT_EQ(parseOne("-ERR no\r\n").text, "ERR no");
  EXPECT_EQ(parseOne(":-42\r\n").integer, -42);
  EXPECT_EQ(parseOne(":9223372036854775807\r\n").integer, INT64_MAX);
  EXPECT_EQ(parseOne("$3\r\na\r\n\r\n").text, "a\r\n");
  EXPECT_EQ(parseOne("$0\r\n\r\n").type, Type::bulk);
  EXPECT_TRUE(parseOne("$-1\r\n").isNull());
  EXPECT_TRUE(parseOne("*-1\r\n").isNull());
  EXPECT_TRUE(parseOne("_\r\n").isNull());
  EXPECT_EQ(parseOne("#t\r\n").integer, 1);
  EXPECT_EQ(parseOne("#f\r\n").type, Type::boolean);
  EXPECT_DOUBLE_EQ(parseOne(",1.5e3\r\n").real, 1500);
  EXPECT_TRUE(std::isinf(parseOne(",-inf\r\n").real));
  EXPECT_TRUE(std::isnan(parseOne(",nan\r\n").real));
  EXPECT_EQ(parseOne("(3492890328409238509324850943850943825024385\r\n").text,
            "3492890328409238509324850943850943825024385");
  EXPECT_EQ(parseOne("=8\r\ntxt:text\r\n").text, "text");
  EXPECT_EQ(parseOne("!9\r\nERR large\r\n").type, Type::error);
}

TEST(ValueParser, ReadsAggregatesAsTrees) {
  const Value value = parseOne("*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n%1\r\n+k\r\n~1\r\n#t\r\n");
  ASSERT_EQ(value.items.size(), 3U);
  EXPECT_EQ(value.items[1].items[0].text, "a");
  EXPECT_TRUE(value.items[1].items[1].isNull());
  ASSERT_NE(value.items[2].find("k"), nullptr);
  EXPECT_EQ(value.items[2].find("k")->type, Type::set);
  EXPECT_EQ(value.items[2].find("absent"), nullptr);
  EXPECT_TRUE(parseOne("*0\r\n").items.empty());
  EXPECT_EQ(parseOne("%0\r\n").type, Type::map);
}

TEST(ValueParser, GivesPushesAndTopLevelAttributesAsValuesOfTheirOwn) {
  const auto values =
      parseInPieces(">2\r\n+invalidate\r\n*1\r\n+k\r\n|1\r\n+ttl\r\n:9\r\n+reply\r\n", 1000);
  ASSERT_TRUE(values);
  ASSERT_EQ(values->size(), 3U);
  EXPECT_EQ((*values)[0].type, Type::push);
  EXPECT_EQ((*values)[1].type, Type::attribute);
  EXPECT_EQ((*values)[2].text, "reply");
}

TEST(ValueParser, DropsAttributesInsideAReplyWithoutCountingThem) {
  const Value value = parseOne("*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:10\r\n|0\r\n:20\r\n");
  ASSERT_EQ(value.items.size(), 2U);
  EXPECT_EQ(value.items[0].integer, 10);
  EXPECT_EQ(value.items[1].integer, 20);
}

TEST(ValueParser, GivesTheSameValuesHoweverTheBytesAreSplit) {
  const std::string bytes =
      "+OK\r\n*3\r\n$5\r\nab\r\nc\r\n:7\r\n*-1\r\n%1\r\n$1\r\nk\r\n=7\r\ntxt:a\r\n\r\n-ERR x y\r\n"
      "|1\r\n+a\r\n+b\r\n,2.5\r\n>1\r\n_\r\n$-1\r\n~2\r\n#t\r\n(12\r\n";
  const auto whole = parseInPieces(bytes, bytes.size());
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->size(), 9U);
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    const auto split = parseInPieces(bytes, piece);
    ASSERT_TRUE(split) << piece;
    EXPECT_EQ(*split, *whole) << piece;
  }
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    ValueParser parser;
    std::vector<Value> values;
    for (const auto part :
         {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      parser.feed(part);
      for (Value value; parser.next(value).value_or(false);) values.push_back(std::move(value));
    }
    EXPECT_EQ(values, *whole) << cut;
    EXPECT_TRUE(parser.idle());
  }
}

TEST(ValueParser, RefusesWhatIsNotResp) {
  EXPECT_TRUE(isRefused("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_TRUE(isRefused("S"));  // at the first byte: such a peer may never send a line end
  EXPECT_TRUE(isRefused("\r\n"));
  EXPECT_TRUE(isRefused("+OK\n"));
  EXPECT_TRUE(isRefused(":12x\r\n"));
  EXPECT_TRUE(isRefused(":\r\n"));
  EXPECT_TRUE(isRefused(":99999999999999999999\r\n"));
  EXPECT_TRUE(isRefused("$-2\r\n"));
  EXPECT_TRUE(isRefused("$3\r\nabcd\r\n"));
  EXPECT_TRUE(isRefused("*-2\r\n"));
  EXPECT_TRUE(isRefused("%-1\r\n"));
  EXPECT_TRUE(isRefused("#x\r\n"));
  EXPECT_TRUE(isRefused("_x\r\n"));
  EXPECT_TRUE(isRefused("=2\r\nab\r\n"));
}

TEST(ValueParser, KeepsSayingSoAfterAnError) {
  ValueParser parser;
  parser.feed("?\r\n");
  Value value;
  ASSERT_FALSE(parser.next(value));
  parser.feed("+OK\r\n");
  EXPECT_FALSE(parser.next(value));
}

TEST(ValueParser, LimitsDepthLengthsAndCounts) {
  std::string deep;
  for (int i = 0; i < 65; ++i) deep += "*1\r\n";
  EXPECT_TRUE(isRefused(deep + ":1\r\n"));
  EXPECT_FALSE(isRefused(deep.substr(4) + ":1\r\n"));
  EXPECT_TRUE(isRefused("$99999999999999\r\n"));
  EXPECT_TRUE(isRefused("*4294967296\r\n"));
  EXPECT_TRUE(isRefused("+" + std::string((1 << 20) + 1, 'x')));
}

TEST(ValueParser, ReservesNothingOnAPeersWordAlone) {
  // A header that announces the most elements allowed must not cost their memory.
  ValueParser parser;
  parser.feed("*33554432\r\n*33554432\r\n*33554432\r\n");
  Value value;
  auto whole = parser.next(value);
  ASSERT_TRUE(whole);
  EXPECT_FALSE(*whole);
}

TEST(ValueParser, CountsTheElementsOfAllLevelsTogether) {
  ValueParser::Limits limits;
  limits.elements = 4;
  ValueParser parser(limits);
  parser.feed("*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n:3\r\n:4\r\n");
  Value value;
  EXPECT_FALSE(parser.next(value));
}

TEST(ValueParser, ReadsAHundredMegabytesInSmallPiecesInLinearWork) {
  // Were each piece to cost a look at all before it, this would be 10^11 steps: hours, not a
  // second.
  constexpr std::size_t kElements = 100'000;
  const std::string element = "$1000\r\n" + std::string(1000, 'v') + "\r\n";
  ValueParser parser;
  parser.feed("*" + std::to_string(kElements) + "\r\n");
  Value value;
  for (std::size_t i = 0; i < kElements; ++i) {
    const std::string_view bytes = element;
    parser.feed(bytes.substr(0, 500));
    ASSERT_FALSE(parser.next(value).value());
    parser.feed(bytes.substr(500));
    ASSERT_EQ(parser.next(value).value(), i + 1 == kElements);
  }
  EXPECT_EQ(value.items.size(), kElements);
  EXPECT_EQ(value.items.back().text.size(), 1000U);
}

TEST(ValueParser, CountsWithoutKeepingWhenAskedTo) {
  ValueParser::Limits limits;
  limits.keep = false;
  ValueParser parser(limits);
  parser.feed("*3\r\n$3\r\nabc\r\n*2\r\n:1\r\n:2\r\n+x\r\n$4\r\nabcd\r\n-ERR no\r\n");
  Value value;
  ASSERT_TRUE(parser.next(value).value());
  EXPECT_EQ(value.integer, 3);
  EXPECT_TRUE(value.items.empty());
  ASSERT_TRUE(parser.next(value).value());
  EXPECT_EQ(value.integer, 4);
  EXPECT_TRUE(value.text.empty());
  ASSERT_TRUE(parser.next(value).value());
  EXPECT_EQ(value.text, "ERR no");
}

TEST(ValueParser, RefusesNumbersThatTheScannerRefuses) {
  for (const char* bytes : {":+-1\r\n", "(12x\r\n", "(\r\n", "$00000000000000000001\r\na\r\n",
                            "*00000000000000000001\r\n:1\r\n"}) {
    ValueParser parser;
    parser.feed(bytes);
    Value value;
    EXPECT_FALSE(parser.next(value)) << bytes;
    ReplyScanner scanner;
    ReplyView view;
    EXPECT_EQ(scanner.next(bytes, view), ReplyScanner::Status::malformed) << bytes;
  }
}

}  // namespace
}  // namespace redline
