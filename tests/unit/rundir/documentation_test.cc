#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rundir/csv.h"
#include "rundir/interval_csv.h"
#include "rundir/server_csv.h"
#include "support/paths.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using ::testing::HasSubstr;

std::string documentation() {
  return contents(std::filesystem::path(REDLINE_SOURCE_DIR) / "docs/run-format.md");
}

constexpr const char* kLatencyPrefixes[] = {"response",         "service",         "lateness",
                                            "dispatch",         "failed_response", "staleness",
                                            "invalidation_lag", "store_read",      "store_write",
                                            "store_service",    "stale_refill_age"};

/// Counts may begin with the same words: store_read_only.
bool isLatencyFigure(const std::string& column) {
  if (!column.ends_with("_us") && !column.ends_with("_count")) return false;
  for (const auto* prefix : kLatencyPrefixes)
    if (column.starts_with(std::string(prefix) + "_")) return true;
  return false;
}

TEST(RunFormat, EveryColumnIsDocumented) {
  const std::string text = documentation();
  for (std::string header : {intervalCsvHeader(), serverCsvHeader()}) {
    header.pop_back();
    for (const auto& column : splitCsv(header)) {
      if (isLatencyFigure(column)) continue;  // documented as prefix and suffix, below
      EXPECT_THAT(text, HasSubstr("`" + column + "`"));
    }
  }
}

TEST(RunFormat, EveryLatencyFigureIsDocumentedByPrefixAndSuffix) {
  const std::string text = documentation();
  std::string header = intervalCsvHeader();
  header.pop_back();
  for (const auto& column : splitCsv(header)) {
    if (!isLatencyFigure(column)) continue;
    std::size_t cut = 0;
    for (const std::string_view prefix : kLatencyPrefixes)
      if (column.starts_with(prefix)) cut = prefix.size();
    EXPECT_THAT(text, HasSubstr("`" + column.substr(0, cut) + "_…`"));
    EXPECT_THAT(text, HasSubstr("`" + column.substr(cut) + "`"));
  }
}

}  // namespace
}  // namespace redline
