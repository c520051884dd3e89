#include "base/shell.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(Shell, QuotesOnlyWhatAShellWouldRead) {
  EXPECT_EQ(shellLine({"redline", "-rate=10k", "-chaos=5s:bgsave", "a b", "it's", "", "$x"}),
            "redline -rate=10k -chaos=5s:bgsave 'a b' 'it'\\''s' '' '$x'");
}

}  // namespace
}  // namespace redline
