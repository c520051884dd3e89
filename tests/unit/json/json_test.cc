#include "json/json.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace redline {

enum class Colour : std::uint8_t { red, green };
constexpr std::array<std::string_view, 2> kColours{"red", "green"};

struct MappedPoint {
  double x = 0, y = 0;
};

void visit(auto& json, MappedAs<MappedPoint> auto& point) {
  json.field("x", point.x);
  json.numberOrNaN("y", point.y);
}

struct MappedPart {
  bool flag = false;
  std::int64_t whole = 0;
  std::uint64_t count = 0;
  std::uint16_t port = 0;
  std::int8_t small = 0;
  Colour colour = Colour::red;
  std::string text = "default";
  std::vector<std::string> texts;
  TextPairs pairs;
  NumberPairs numbers;
  Counts counts;
  std::vector<MappedPoint> points;
  MappedPoint origin;
};

void visit(auto& json, MappedAs<MappedPart> auto& part) {
  json.schema(3);
  json.field("flag", part.flag);
  json.field("whole", part.whole);
  json.field("count", part.count);
  json.field("port", part.port);
  json.field("small", part.small);
  json.field("colour", part.colour, kColours);
  json.derived("twice", [&] { return 2 * part.count; });
  json.field("text", part.text);
  json.field("texts", part.texts);
  json.field("pairs", part.pairs);
  json.field("numbers", part.numbers);
  json.field("counts", part.counts);
  if (json.kReads || !part.points.empty()) json.field("points", part.points);
  json.object("nested", [&](auto& nested) { nested.field("origin", part.origin); });
}

namespace {

MappedPart sample() {
  MappedPart part;
  part.flag = true;
  part.whole = -5;
  part.count = 7;
  part.port = 6379;
  part.small = -128;
  part.colour = Colour::green;
  part.text = "a \"text\"";
  part.texts = {"a", "b"};
  part.pairs = {{"z", "1"}, {"a", "2"}};
  part.numbers = {{"p99_us", 1.5}, {"none", std::nan("")}};
  part.counts = {{"a", 1}, {"b", UINT64_MAX}};
  part.points = {{1, 2}, {3, std::nan("")}};
  part.origin = {0.5, 0.25};
  return part;
}

constexpr std::string_view kText =
    R"({"schema":3,"flag":true,"whole":-5,"count":7,"port":6379,"small":-128,"colour":"green","twice":14,)"
    R"("text":"a \"text\"","texts":["a","b"],"pairs":{"z":"1","a":"2"},)"
    R"("numbers":{"p99_us":1.5,"none":null},"counts":{"a":1,"b":18446744073709551615},)"
    R"("points":[{"x":1.0,"y":2.0},{"x":3.0,"y":null}],"nested":{"origin":{"x":0.5,"y":0.25}}})";

std::string problemOf(std::string_view text) {
  const auto read = readJson<MappedPart>(text, {.name = "file"});
  return read ? "" : read.error().message;
}

TEST(Json, FieldsAreInTheOrderOfTheMapping) {
  EXPECT_EQ(writeJson(sample()), kText);
}

TEST(Json, ReadsBackWhatItWrote) {
  const auto read = readJson<MappedPart>(kText, {.name = "file"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(writeJson(*read), kText);
  EXPECT_EQ(read->colour, Colour::green);
  EXPECT_TRUE(std::isnan(read->points[1].y));
  EXPECT_TRUE(std::isnan(read->numbers[1].second));
}

TEST(Json, MissingAndUnknownFieldsAreToleratedAndNullIsMissing) {
  const auto read =
      readJson<MappedPart>(R"({"schema":3,"text":null,"unknown":[1,{}]})", {.name = "file"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->text, "default");
  EXPECT_TRUE(read->points.empty());
}

TEST(Json, AMissingFieldIsNamedWhereAllMustBeThere) {
  const auto read = readJson<MappedPart>(R"({"schema":3,"flag":true})", {.name = "file"},
                                         MissingField::isRefused);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "file: whole is missing");
}

TEST(Json, ErrorsNameTheFileAndThePath) {
  EXPECT_EQ(problemOf("[]"), "file: the whole is not an object");
  EXPECT_EQ(problemOf(R"({"schema":2,"flag":1})"), "file: schema 2 where 3 is read");
  EXPECT_EQ(problemOf(R"({"schema":3,"flag":1,"text":2})"), "file: flag is not true or false");
  EXPECT_EQ(problemOf(R"({"schema":3,"points":{}})"), "file: points is not a list");
  EXPECT_EQ(problemOf(R"({"schema":3,"points":[{},{"x":"1"}]})"),
            "file: points[1].x is not a number");
  EXPECT_EQ(problemOf(R"({"schema":3,"nested":{"origin":[]}})"),
            "file: nested.origin is not an object");
  EXPECT_EQ(problemOf(R"({"schema":3,"colour":"blue"})"),
            "file: colour is not one of the names that docs/run-format.md lists");
  EXPECT_EQ(problemOf("{\"schema\":3,\n}"), "file:2: not JSON, byte 14 of 14");
}

TEST(Json, AnErrorInALineHasItsNumber) {
  const auto read = readJson<MappedPoint>(R"({"x":true})", {.name = "file", .line = 4});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "file:4: x is not a number");
}

TEST(Json, WholeNumbersAreHeldToTheirTypesRange) {
  for (const auto& [field, value, good] : std::vector<std::tuple<std::string, std::string, bool>>{
           {"port", "0", true},
           {"port", "65535", true},
           {"port", "65536", false},
           {"port", "-1", false},
           {"port", "1.5", false},
           {"small", "-128", true},
           {"small", "-129", false},
           {"small", "127", true},
           {"small", "128", false},
           {"whole", "9223372036854775807", true},
           {"whole", "9223372036854775808", false},
           {"whole", "-9223372036854775808", true},
           {"count", "18446744073709551615", true},
           {"count", "18446744073709551616", false}}) {
    const std::string problem = problemOf(R"({"schema":3,")" + field + "\":" + value + "}");
    EXPECT_EQ(problem.empty(), good) << field << ' ' << value << ": " << problem;
  }
}

TEST(Json, ATextThatEndsTooEarlyIsToldFromOneThatIsWrong) {
  bool cutOff = false;
  EXPECT_FALSE(readJson<MappedPoint>("{\"x\":", {.name = "file", .cutOff = &cutOff}));
  EXPECT_TRUE(cutOff);
  EXPECT_FALSE(readJson<MappedPoint>("{,\"x\":1}", {.name = "file", .cutOff = &cutOff}));
  EXPECT_FALSE(cutOff);
}

}  // namespace
}  // namespace redline
