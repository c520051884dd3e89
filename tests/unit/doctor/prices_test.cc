// A price is quoted from the results that it names, or it is none.
#include "doctor/prices.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/paths.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

TEST(DoctorsPrices, StandWordForWordInTheResultsThatTheyName) {
  for (const Price* price : kAllPrices) {
    const fs::path path = fs::path(REDLINE_SOURCE_DIR) / price->file;
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(text.empty()) << path;
    const std::string_view quote = price->quote.empty() ? price->text : price->quote;
    EXPECT_NE(text.find(quote), std::string::npos)
        << path << " has other figures now: correct src/doctor/prices.h\n"
        << price->text;
  }
}

}  // namespace
}  // namespace redline
