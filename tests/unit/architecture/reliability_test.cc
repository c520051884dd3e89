// docs/reliability.md names tests, so they must exist.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "support/paths.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

std::string contentsOf(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> allTests() {
  std::set<std::string> tests;
  const std::regex definition(R"(TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\))");
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(REDLINE_SOURCE_DIR) / "tests")) {
    if (entry.path().extension() != ".cc") continue;
    const std::string code = contentsOf(entry.path());
    for (std::sregex_iterator at(code.begin(), code.end(), definition), end; at != end; ++at)
      tests.insert((*at)[1].str() + "." + (*at)[2].str());
  }
  return tests;
}

TEST(Reliability, NamesTestsThatExist) {
  const std::string page = contentsOf(fs::path(REDLINE_SOURCE_DIR) / "docs/reliability.md");
  const std::set<std::string> tests = allTests();
  const std::regex name(R"(`([A-Z]\w+\.[A-Z]\w+)`)");
  std::size_t named = 0;
  for (std::sregex_iterator at(page.begin(), page.end(), name), end; at != end; ++at, ++named)
    EXPECT_TRUE(tests.contains((*at)[1].str())) << (*at)[1];
  EXPECT_GT(named, 30U);
}

}  // namespace
}  // namespace redline
