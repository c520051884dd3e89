#include "resp/command.h"

#include <gtest/gtest.h>

#include <vector>

namespace redline {
namespace {

using namespace std::string_literals;

TEST(Command, IsAnArrayOfBulkStrings) {
  std::string out = "before";
  appendCommand(out, {"SET", "obj:1", ""});
  EXPECT_EQ(out, "before*3\r\n$3\r\nSET\r\n$5\r\nobj:1\r\n$0\r\n\r\n");
}

TEST(Command, CarriesAnyBytes) {
  std::string out;
  const std::vector<std::string> args{"ECHO", "a\r\n\0b"s};
  appendCommand(out, std::span<const std::string>(args));
  EXPECT_EQ(out, "*2\r\n$4\r\nECHO\r\n$5\r\na\r\n\0b\r\n"s);
  std::string same;
  const std::vector<std::string_view> views(args.begin(), args.end());
  appendCommand(same, std::span<const std::string_view>(views));
  EXPECT_EQ(same, out);
}

}  // namespace
}  // namespace redline
