#include "resp/push.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redline {
namespace {

struct Read {
  PushKind kind;
  std::vector<std::string> keys;
};

Read read(std::string_view bytes) {
  ReplyScanner scanner;
  ReplyView reply;
  EXPECT_EQ(scanner.next(bytes, reply), ReplyScanner::Status::complete);
  Read got{};
  got.kind = readPush(reply, [&](std::string_view key) { got.keys.emplace_back(key); });
  return got;
}

TEST(Push, AnInvalidationNamesItsKeys) {
  const Read one = read(">2\r\n$10\r\ninvalidate\r\n*1\r\n$6\r\nobj:42\r\n");
  EXPECT_EQ(one.kind, PushKind::invalidation);
  EXPECT_EQ(one.keys, std::vector<std::string>{"obj:42"});
  const Read two = read(">2\r\n$10\r\ninvalidate\r\n*2\r\n$5\r\nobj:1\r\n$3\r\n\r\n:\r\n");
  EXPECT_EQ(two.keys, (std::vector<std::string>{"obj:1", "\r\n:"}));
  EXPECT_TRUE(read(">2\r\n$10\r\ninvalidate\r\n*0\r\n").keys.empty());
}

TEST(Push, ANullInsteadOfKeysMeansThatAllAreGone) {
  EXPECT_EQ(read(">2\r\n$10\r\ninvalidate\r\n_\r\n").kind, PushKind::flush);
  EXPECT_EQ(read(">2\r\n$10\r\ninvalidate\r\n*-1\r\n").kind, PushKind::flush);
}

TEST(Push, OtherPushesAndOtherRepliesAreLeftAlone) {
  for (const auto* bytes :
       {">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n", ">2\r\n$5\r\nother\r\n*0\r\n",
        "*2\r\n$10\r\ninvalidate\r\n*0\r\n", ">2\r\n$10\r\ninvalidate\r\n:1\r\n", "$2\r\nhi\r\n"}) {
    const Read got = read(bytes);
    EXPECT_EQ(got.kind, PushKind::other) << bytes;
    EXPECT_TRUE(got.keys.empty());
  }
}

}  // namespace
}  // namespace redline
