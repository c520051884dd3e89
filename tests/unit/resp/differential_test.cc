#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/rng.h"
#include "fuzz/resp_check.h"

// The check of the fuzz targets on generated replies: a fixed seed, the same inputs every time. The
// fuzzer goes further (docs/fuzzing.md).

namespace redline {
namespace {

std::string shown(std::string_view bytes) {
  return testing::PrintToString(std::string(bytes));
}

TEST(RespDifferential, AgreesWithHiredisOn200kGeneratedStreams) {
  Rng rng(20240607);
  for (int i = 0; i < 200'000; ++i) {
    const std::string bytes = someReplies(rng, Protocol::resp2);
    const auto differs = differsFromHiredis(bytes);
    ASSERT_FALSE(differs) << *differs << "\ninput " << i << ": " << shown(bytes);
  }
}

TEST(RespDifferential, AnySplitOf200kGeneratedStreamsGivesTheSameReplies) {
  Rng rng(20240608);
  for (int i = 0; i < 200'000; ++i) {
    const std::string bytes = someReplies(rng, Protocol::resp3);
    const auto differs = differsWhenSplit(bytes, rng.next());
    ASSERT_FALSE(differs) << *differs << "\ninput " << i << ": " << shown(bytes);
  }
}

TEST(RespDifferential, ALimitOfTheWholeReplyIsNoDisagreement) {
  constexpr std::string_view kGigabyte = "$1073741824\r\n";  // one more than fits beside its header
  for (const std::string before : {"", "*2\r\n$1\r\na\r\n", "+ok\r\n"}) {
    const std::string bytes = before + std::string(kGigabyte) + "some";
    for (const auto& differs : {differsFromHiredis(bytes), differsWhenSplit(bytes, 1)})
      EXPECT_FALSE(differs) << *differs << "\ninput " << shown(bytes);
  }
}

}  // namespace
}  // namespace redline
