#include "rdb/rdb_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz/rdb_check.h"
#include "rdb/listpack.h"

namespace redline {
namespace {

using std::string_literals::operator""s;

/// What a call adds to a file that has begun.
template <typename Call>
std::string added(Call call) {
  RdbWriter writer;
  writer.begin(1, 0);
  const std::size_t before = writer.pending().size();
  call(writer);
  return std::string(writer.pending().substr(before));
}

TEST(RdbVersion, FollowsTheServers) {
  EXPECT_EQ(rdbVersionOf("7.0.15"), 10U);
  EXPECT_EQ(rdbVersionOf("7.2.4"), 11U);
  EXPECT_EQ(rdbVersionOf("7.4.0"), 12U);
  for (const auto* other : {"6.2.14", "8.0.0", "7", "", "7.x"}) EXPECT_FALSE(rdbVersionOf(other));
}

TEST(RdbWriter, BeginsWithTheVersionAndWhatWillCome) {
  RdbWriter writer;
  writer.begin(70, 300);
  EXPECT_EQ(writer.pending(), "REDIS0010\xfe\x00\xfb\x40\x46\x41\x2c"s);
}

TEST(RdbWriter, EndsWithTheChecksum) {
  RdbWriter writer(10);
  writer.begin(0, 0);
  writer.end();
  // As redis-server 7.0 computes it.
  EXPECT_TRUE(readRdb(writer.pending()).problem.empty()) << readRdb(writer.pending()).problem;
  EXPECT_EQ(writer.bytes(), 9U + 2 + 3 + 1 + 8);
}

TEST(RdbWriter, WritesStringsWithTheirAbsoluteExpiry) {
  EXPECT_EQ(added([](RdbWriter& w) { w.string("k", "abc"); }), "\x00\x01k\x03"s + "abc");
  EXPECT_EQ(added([](RdbWriter& w) { w.string("k", "", 0x0102030405); }),
            "\xfc\x05\x04\x03\x02\x01\x00\x00\x00\x00\x01k\x00"s);
}

TEST(RdbWriter, WritesAHashFieldByField) {
  EXPECT_EQ(added([](RdbWriter& w) {
              w.beginHash("h", 2);
              w.field("a", "1");
              w.field("b", "");
            }),
            "\x04\x01h\x02\x01"s + "a\x01" + "1\x01" + "b\x00"s);
}

TEST(RdbWriter, WritesAListAsListpacks) {
  const std::vector<std::string_view> elements{"a", "bc"};
  EXPECT_EQ(added([&](RdbWriter& w) { w.list("l", elements); }),
            "\x12\x01l\x01\x02\x0e\x0e\x00\x00\x00\x02\x00\x81"s + "a\x02\x82" + "bc\x03\xff");
}

TEST(RdbWriter, TakesTheShortestOfFourLengths) {
  const auto lengthOf = [](std::size_t size) {
    const std::string bytes = added([&](RdbWriter& w) { w.beginString("k", size); });
    return bytes.substr(3, bytes.size() - 3 - size);
  };
  EXPECT_EQ(lengthOf(63), "\x3f");
  EXPECT_EQ(lengthOf(64), "\x40\x40");
  EXPECT_EQ(lengthOf(16383), "\x7f\xff");
  EXPECT_EQ(lengthOf(16384), "\x80\x00\x00\x40\x00"s);
  RdbWriter writer;
  writer.begin(0x1'0000'0000, 0);
  EXPECT_EQ(writer.pending().substr(12), "\x81\x00\x00\x00\x01\x00\x00\x00\x00\x00"s);
}

TEST(Listpack, SaysHowLargeAnEntryIs) {
  for (const std::size_t length :
       std::initializer_list<std::size_t>{0, 1, 63, 64, 125, 126, 4095, 4096, 16376, 16377, 16378,
                                          2'097'145, 2'097'146, 2'097'147}) {
    const std::string element(length, 'x');
    const std::vector<std::string_view> one{element};
    std::string pack;
    appendListpack(pack, one);
    EXPECT_EQ(pack.size(), kListpackFrame + listpackEntrySize(length)) << length;
  }
}

TEST(RdbWriter, ReadsBackWhateverPiecesItWasDrainedIn) {
  Rng rng(10);
  for (int i = 0; i < 300; ++i) {
    const auto entries = someEntries(rng, 20, 1'700'000'000'000);
    const std::string file = rdbOf(entries);
    const RdbReading reading = readRdb(file);
    ASSERT_EQ(reading.problem, "") << i;
    ASSERT_EQ(reading.version, 10U);
    ASSERT_EQ(reading.keys, entries.size());
    ASSERT_EQ(reading.entries, entries) << i;
    ASSERT_EQ(rdbOf(entries, 1 + rng.below(5)), file) << i;
  }
}

TEST(RdbReader, FindsEveryFlippedBit) {
  Rng rng(11);
  const auto entries = someEntries(rng, 5, 1'700'000'000'000);
  const std::string file = rdbOf(entries);
  for (int i = 0; i < 200; ++i) {
    std::string damaged = file;
    char& byte = damaged[9 + rng.below(file.size() - 9)];
    byte = static_cast<char>(byte ^ (1 << rng.below(8)));
    ASSERT_NE(readRdb(damaged).problem, "");
  }
}

}  // namespace
}  // namespace redline
