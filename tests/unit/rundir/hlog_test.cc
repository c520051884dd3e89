#include "rundir/hlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"
#include "rundir/base64.h"

namespace redline {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

Histogram of(std::initializer_list<Nanos> values) {
  Histogram histogram;
  for (const Nanos value : values) histogram.record(value);
  return histogram;
}

Histogram anyHistogram(std::uint64_t seed, int records) {
  Rng rng(seed);
  Histogram histogram;
  for (int i = 0; i < records; ++i)
    histogram.record(static_cast<Nanos>(rng.next() & Histogram::kHighest) >> rng.below(42),
                     1 + (rng.next() >> (10 + rng.below(54))));
  return histogram;
}

bool sameCounts(const Histogram& a, const Histogram& b) {
  for (std::size_t slot = 0; slot < Histogram::kSlots; ++slot)
    if (a.countAt(slot) != b.countAt(slot)) return false;
  return a.count() == b.count();
}

std::string fromHex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

// What Java's HdrHistogram 2.1.11 (encodeIntoByteBuffer) makes of javaRecorded().
constexpr std::string_view kJavaBytes =
    "1c8493130000002a00000000000000030000000000000001000003ffffffffff3ff000000000000002020280"
    "80808080808080800002bb0102850e0202a910020402f95280897ab30504ffa40102c5f20102";

Histogram javaRecorded() {
  Histogram histogram = of({0, 1, 2, 5, 100, 1000, 1001, 2047, 2048, 2049, 2051, 100'000, 100'000,
                            123'456'789, Histogram::kHighest});
  histogram.record(77'777, 1'000'000);
  histogram.record(3, std::uint64_t{1} << 62);
  return histogram;
}

TEST(Hlog, EncodesByteForByteAsHdrHistogramDoes) {
  EXPECT_EQ(encodeHistogram(javaRecorded()), fromHex(kJavaBytes));
}

TEST(Hlog, DecodesWhatHdrHistogramEncoded) {
  const auto decoded = decodeHistogram(fromHex(kJavaBytes));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_TRUE(sameCounts(*decoded, javaRecorded()));
}

TEST(Hlog, DecodesALineThatHdrHistogramWrote) {
  const std::string line =
      "Tag=response,1.000,1.000,4398046.511,"
      "HISTFAAAAEB42pNpmSzMwMCgyAABzFCaEcj8DwL2HyACTExMzEy7GZla+ZiYVgowsTD9DGrorNrMyvJ/CSPT0U+"
      "MTADnBBCk\n";
  std::vector<std::string> warnings;
  const auto log = parseHlog(line, "x", warnings);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->merged.at("response").count(), 1'000'015U);
  EXPECT_EQ(log->merged.at("response").quantile(0.5), 77'823);
}

TEST(Hlog, ReturnsTheSameCountsForAnyHistogram) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Histogram histogram = anyHistogram(seed, static_cast<int>(seed * seed * 10));
    const auto decoded = decodeCompressed(encodeCompressed(histogram));
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_TRUE(sameCounts(*decoded, histogram)) << "seed " << seed;
    if (histogram.count() == 0) continue;
    ASSERT_EQ(decoded->min(), Histogram::lowestOf(Histogram::slotOf(histogram.min())));
    ASSERT_EQ(decoded->max(), Histogram::highestOf(Histogram::slotOf(histogram.max())));
  }
}

TEST(Hlog, EncodesOnlyUpToTheHighestSlotInUse) {
  EXPECT_LT(encodeHistogram(of({5})).size(), 50U);
  EXPECT_LT(encodeCompressed(of({5, 100'000, kSecond})).size(), 100U);
}

TEST(Hlog, RefusesEveryShorteningOfAHistogram) {
  const std::string whole = encodeHistogram(javaRecorded());
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_FALSE(decodeHistogram(whole.substr(0, size))) << size;
  const std::string packed = *fromBase64(encodeCompressed(javaRecorded()));
  for (std::size_t size = 0; size < packed.size(); ++size)
    ASSERT_FALSE(decodeCompressed(toBase64(packed.substr(0, size)))) << size;
}

TEST(Hlog, SurvivesAnyDamage) {
  const std::string whole = encodeHistogram(anyHistogram(1, 300));
  Rng rng(2);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = whole;
    for (std::uint64_t hits = 1 + rng.below(4); hits > 0; --hits)
      damaged[40 + rng.below(damaged.size() - 40)] = static_cast<char>(rng.next());
    const auto decoded = decodeHistogram(damaged);  // a result or an error; the sanitizers watch
    if (!decoded) {
      ASSERT_THAT(decoded.error().message, HasSubstr("not a histogram of ours"));
    }
  }
}

std::string withByte(std::string bytes, std::size_t at, char value) {
  bytes[at] = value;
  return bytes;
}

TEST(Hlog, SaysWhyItRefusesAForeignHistogram) {
  const std::string ours = encodeHistogram(of({1, 2, 3}));
  const auto why = [](const std::string& bytes) { return decodeHistogram(bytes).error().message; };
  EXPECT_THAT(why(withByte(ours, 15, 2)), HasSubstr("2 significant digits"));
  EXPECT_THAT(why(withByte(ours, 22, 4)), HasSubstr("lowest value 1025"));
  EXPECT_THAT(why(withByte(ours, 3, 0x03)), HasSubstr("cookie 0x1c849303"));
  EXPECT_THAT(why(withByte(ours, 32, 0x40)), HasSubstr("floating-point"));
  EXPECT_THAT(why(withByte(ours, 11, 1)), HasSubstr("shifted"));
  EXPECT_THAT(decodeCompressed("!!!!").error().message, HasSubstr("base64"));
}

TEST(Hlog, RefusesCountsThatOverflowAndRunsBeyondTheTopSlot) {
  std::string header = encodeHistogram(Histogram{}).substr(0, 40);
  const auto with = [&](std::string payload) {
    header[7] = static_cast<char>(payload.size());
    return decodeHistogram(header + payload);
  };
  const std::string most("\xfe\xff\xff\xff\xff\xff\xff\xff\xff", 9);  // 2^63 − 1
  EXPECT_TRUE(with(most + most));
  EXPECT_FALSE(with(most + most + most));
  const std::string least("\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9);  // −2^63: as many zeros
  EXPECT_FALSE(with(least + most));
}

TEST(Hlog, WritesTheHeaderThatHdrHistogramWrites) {
  EXPECT_THAT(
      hlogHeader(1'700'000'000'123'000'000),
      HasSubstr("#[Histogram log format version 1.3]\n"
                "#[StartTime: 1700000000.123 (seconds since epoch), Tue Nov 14 22:13:20 UTC 2023]\n"
                "#[BaseTime: 1700000000.123 (seconds since epoch)]\n"
                "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                "\"Interval_Compressed_Histogram\"\n"));
}

TEST(Hlog, ReadsBackTheLogThatItWrote) {
  const Histogram first = anyHistogram(1, 100);
  const Histogram second = anyHistogram(2, 100);
  const std::string text = hlogHeader(1'700'000'000 * kSecond) +
                           hlogLine("response", 0, kSecond, first) +
                           hlogLine("service", 0, kSecond, of({7})) +
                           hlogLine("response", kSecond, 2 * kSecond + 5 * kMillisecond, second);
  std::vector<std::string> warnings;
  const auto log = parseHlog(text, "latency.hlog", warnings);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(log->startTime, 1'700'000'000);
  EXPECT_EQ(log->baseTime, 1'700'000'000);
  ASSERT_EQ(log->lines.size(), 3U);
  EXPECT_EQ(log->lines[2].tag, "response");
  EXPECT_EQ(log->lines[2].start, kSecond);
  EXPECT_EQ(log->lines[2].length, kSecond + 5 * kMillisecond);
  EXPECT_TRUE(sameCounts(*log->lines[2].histogram(), second));
  Histogram reused = first;
  ASSERT_TRUE(decodeCompressed(log->lines[2].packed, reused));
  EXPECT_TRUE(sameCounts(reused, second));
  Histogram both = first;
  both.add(second);
  EXPECT_TRUE(sameCounts(log->merged.at("response"), both));
  EXPECT_EQ(log->merged.at("service").count(), 1U);
}

TEST(Hlog, ReportsATornLastLineAndKeepsTheRest) {
  std::string text = hlogHeader(0) + hlogLine("response", 0, kSecond, of({1, 2, 3})) +
                     hlogLine("response", kSecond, 2 * kSecond, of({4}));
  text.resize(text.size() - 10);
  std::vector<std::string> warnings;
  const auto log = parseHlog(text, "dir/latency.hlog", warnings);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->merged.at("response").count(), 3U);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_THAT(warnings[0], HasSubstr("dir/latency.hlog:7: the last line is incomplete"));
}

TEST(Hlog, NamesTheLineThatIsMalformed) {
  std::vector<std::string> warnings;
  const std::string good = hlogLine("response", 0, kSecond, of({1}));
  const auto damaged =
      parseHlog(good + "Tag=response,1.000,1.000,0.1,HISTgarbage\n", "f", warnings);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::invalidInput);
  EXPECT_THAT(damaged.error().message, HasSubstr("f:2: "));
  const auto noNumber = parseHlog("Tag=response,soon,1.000,0.1,HIST\n", "f", warnings);
  EXPECT_THAT(noNumber.error().message, HasSubstr("f:1: expected [Tag=name,]start,length"));
  EXPECT_FALSE(parseHlog("#[Histogram log format version 2.0]\n", "f", warnings));
}

TEST(Base64, MatchesTheExamplesOfRfc4648) {
  const std::pair<std::string_view, std::string_view> examples[] = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : examples) {
    EXPECT_EQ(toBase64(plain), encoded);
    EXPECT_EQ(fromBase64(encoded), plain);
  }
  for (const auto* wrong : {"Zg=", "Zg", "Z===", "Zm9*", "Zg==Zg=="})
    EXPECT_EQ(fromBase64(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace redline
