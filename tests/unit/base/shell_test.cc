#include "base/shell.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(Shell, QuotesOnlyWhatAShellWouldRead) {
  EXPECT_EQ(shellLine({"redline", "-rate=10k", "-chaos=5s:bgsave", "a b", "it's", "", "$x"}),
            "redline -rate=10k -chaos=5s:bgsave 'a b' 'it'\\''s' '' '$x'");
}

TEST(Shell, RepeatsARunWithoutThePlacesOfItsResults) {
  EXPECT_EQ(repeatLine({"redline", "driver", "-out=run", "-rate=10k", "--json", "-", "-output=x",
                        "-metrics=127.0.0.1:1", "--metrics-linger=1m", "-out", "a b", "-keys=1"}),
            "redline driver -rate=10k -output=x -metrics=127.0.0.1:1 -keys=1");
}

}  // namespace
}  // namespace redline
