#include "workload/values.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>
#include <set>
#include <string>

namespace redline {
namespace {

using Verdict = Values::Verdict;

std::string written(const Values& values, std::uint64_t id, std::uint64_t version) {
  std::string out(values.size() + 8, '#');
  values.write(out.data(), id, version);
  EXPECT_EQ(out.substr(values.size()), "########") << "wrote beyond its size";
  out.resize(values.size());
  return out;
}

Verdict verdict(const Values& values, const std::string& value, std::uint64_t id,
                VerifyLevel level = VerifyLevel::full) {
  return values.check(value, id, nullptr, level);
}

TEST(Values, RoundTripAtEverySizeClass) {
  const Values base(1, 100);
  for (const std::size_t size :
       {1U, 7U, 23U, 24U, 25U, 100U, 4096U, 65'536U, 65'560U, 65'561U, 200'000U}) {
    const Values values = base.withSize(size);
    for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{42}, ~std::uint64_t{0}}) {
      std::uint64_t version = 99;
      EXPECT_EQ(values.check(written(values, id, 5), id, &version, VerifyLevel::full), Verdict::ok)
          << size;
      EXPECT_EQ(version, size < Values::kHeader ? 0U : 5U);
    }
  }
}

TEST(Values, ArePureFunctionsOfSeedIdVersionAndSize) {
  const Values values(1, 100);
  EXPECT_EQ(written(values, 7, 3), written(Values(1, 100), 7, 3));
  const std::set<std::string> all{written(values, 7, 3), written(values, 7, 4),
                                  written(values, 8, 3), written(Values(2, 100), 7, 3)};
  EXPECT_EQ(all.size(), 4U);
}

TEST(Values, HaveTheDocumentedLayout) {
  const std::string value = written(Values(1, 100), 0x0102030405060708, 0x1112131415161718);
  EXPECT_EQ(value.substr(0, 8), std::string("\x08\x07\x06\x05\x04\x03\x02\x01"));
  EXPECT_EQ(value.substr(8, 8), std::string("\x18\x17\x16\x15\x14\x13\x12\x11"));
  EXPECT_EQ(value.substr(16, 4), std::string("\x64\0\0\0", 4));
}

TEST(Values, StayTheSameFromReleaseToRelease) {
  // A data set loaded by one version of the program must verify under the next.
  const std::string value = written(Values(1, 40), 42, 7);
  std::string hex;
  for (const char c : value) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    hex += pair;
  }
  EXPECT_EQ(hex,
            "2a00000000000000070000000000000028000000a2e98626ec540c59f53e008b1428a3e33be7395f");
}

TEST(Values, NoticeEveryFlippedByteAtFullLevel) {
  for (const std::size_t size : {1U, 23U, 24U, 25U, 100U, 4096U}) {
    const Values values(1, size);
    const std::string good = written(values, 42, 7);
    for (std::size_t i = 0; i < size; ++i) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ flip);
        ASSERT_NE(verdict(values, bad, 42), Verdict::ok) << "byte " << i << " of " << size;
      }
    }
  }
}

TEST(Values, NoticeHeaderDamageAtHeaderLevelAndLeaveTheFillerAlone) {
  const Values values(1, 100);
  for (std::size_t i = 0; i < 100; ++i) {
    std::string bad = written(values, 42, 7);
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_EQ(verdict(values, bad, 42, VerifyLevel::header),
              i < Values::kHeader ? Verdict::wrongChecksum : Verdict::ok);
    EXPECT_EQ(verdict(values, bad, 42, VerifyLevel::full),
              i < Values::kHeader ? Verdict::wrongChecksum : Verdict::wrongBytes);
    EXPECT_EQ(verdict(values, bad, 42, VerifyLevel::none), Verdict::ok);
  }
}

TEST(Values, NoticeFillerDamageFarIntoAValueThatWrapsRoundThePool) {
  const Values values(1, 200'000);
  for (const std::size_t at : {65'559U, 65'560U, 131'096U, 199'999U}) {
    std::string bad = written(values, 42, 7);
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(verdict(values, bad, 42), Verdict::wrongBytes) << at;
  }
}

TEST(Values, AreKnownByTheirFirstBytesAndTheirLength) {
  const Values base(1, 100);
  for (const std::size_t size : {1U, 23U, 24U, 25U, 4096U}) {
    const std::string whole = written(base.withSize(size), 42, 3);
    const std::string head = whole.substr(0, Values::kHeader);
    EXPECT_EQ(base.checkHead(head, size, 42), Verdict::ok) << size;
    EXPECT_NE(base.checkHead(head, size, 43), Verdict::ok) << size;
    EXPECT_NE(Values(2, 100).checkHead(head, size, 42), Verdict::ok) << size;
  }
  const std::string head = written(base, 42, 3).substr(0, Values::kHeader);
  EXPECT_EQ(base.checkHead(head, 101, 42), Verdict::wrongLength);
  EXPECT_EQ(base.checkHead("", 0, 42), Verdict::wrongLength);
}

TEST(Values, NameAnotherKeysValue) {
  const Values values(1, 100);
  EXPECT_EQ(verdict(values, written(values, 43, 7), 42), Verdict::wrongKey);
  const Values bare(1, 16);
  EXPECT_EQ(verdict(bare, written(bare, 43, 0), 42), Verdict::wrongBytes);
  EXPECT_EQ(verdict(bare, written(bare, 43, 0), 42, VerifyLevel::header), Verdict::wrongBytes);
}

TEST(Values, NameATruncatedOrExtendedValue) {
  const Values values(1, 100);
  const std::string good = written(values, 42, 7);
  EXPECT_EQ(verdict(values, good.substr(0, 99), 42), Verdict::wrongLength);
  EXPECT_EQ(verdict(values, good.substr(0, 24), 42), Verdict::wrongLength);
  EXPECT_EQ(verdict(values, good + "x", 42), Verdict::wrongLength);
  EXPECT_EQ(verdict(values, good.substr(0, 10), 42), Verdict::wrongBytes);
  EXPECT_EQ(verdict(values, "", 42), Verdict::wrongLength);
}

TEST(Values, NameAnotherSeedWhateverTheKey) {
  const Values ours(1, 100), theirs(2, 100);
  EXPECT_EQ(verdict(ours, written(theirs, 42, 7), 42), Verdict::wrongChecksum);
  EXPECT_EQ(verdict(ours, written(theirs, 43, 7), 42), Verdict::wrongChecksum);
  EXPECT_EQ(verdict(ours, std::string(100, 'x'), 42), Verdict::wrongChecksum);
}

TEST(Values, AcceptADataSetWrittenAtAnotherSize) {
  const Values writer(1, 4096), reader(1, 100);
  EXPECT_EQ(verdict(reader, written(writer, 42, 7), 42), Verdict::ok);
  const Values bare(1, 10);
  EXPECT_EQ(verdict(reader, written(bare, 42, 0), 42), Verdict::ok);
}

TEST(Values, UseTheWholePoolAndDoNotCompress) {
  // 16 values of 4 KB: in random bytes every 8-byte word is different, except where two fillers
  // overlap, and every byte value occurs about equally often.
  const Values values(1, 4096);
  std::size_t counts[256] = {};
  for (std::uint64_t id = 0; id < 16; ++id)
    for (const char c : written(values, id, 1).substr(Values::kHeader))
      ++counts[static_cast<unsigned char>(c)];
  for (const std::size_t count : counts) EXPECT_NEAR(static_cast<double>(count), 254.5, 110);
}

}  // namespace
}  // namespace redline
