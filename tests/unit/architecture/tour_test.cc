// docs/tour.md leads through the code by name, so the names must exist.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>

#include "support/paths.h"

namespace redline {
namespace {

std::string textOf(const std::string& path) {
  std::ifstream file(REDLINE_SOURCE_DIR "/" + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Tour, NamesFilesAndFunctionsThatExist) {
  const std::string tour = textOf("docs/tour.md");
  const std::regex row(R"(\| (src/[a-z_/]+\.(?:h|cc)) \| `(?:[A-Za-z]+::)?([A-Za-z]+)\(\)` \|)");
  std::size_t rows = 0;
  for (std::sregex_iterator at(tour.begin(), tour.end(), row), end; at != end; ++at, ++rows) {
    const std::string code = textOf((*at)[1]);
    EXPECT_FALSE(code.empty()) << (*at)[1];
    EXPECT_TRUE(std::regex_search(code, std::regex("[ :]" + (*at)[2].str() + "\\(")))
        << (*at)[1] << " has no function " << (*at)[2];
  }
  EXPECT_GT(rows, 20U);
  const std::regex file(R"(src/[a-z_/]+\.(?:h|cc))");
  for (std::sregex_iterator at(tour.begin(), tour.end(), file), end; at != end; ++at)
    EXPECT_FALSE(textOf(at->str()).empty()) << at->str();
}

}  // namespace
}  // namespace redline
