#include "report/lab_export.h"
#include "os/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "rundir/experiment.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A lab of one run: 30 bytes that must be kept, 10 of events, 1000 of histograms.
void makeLab(const fs::path& lab) {
  fs::create_directories(lab / "one" / "a-r1");
  for (const auto& [file, bytes] :
       {std::pair("one/experiment.json", 10), std::pair("one/a-r1/summary.json", 10),
        std::pair("FINDINGS.md", 10), std::pair("one/a-r1/events.jsonl", 10),
        std::pair("one/a-r1/latency.hlog", 1000)})
    ASSERT_TRUE(writeWholeFile(lab / file, std::string(static_cast<std::size_t>(bytes), 'x')));
}

TEST(LabExport, KeepsEverythingThatFits) {
  const TemporaryDirectory directory;
  makeLab(directory.path() / "lab");
  const auto kept = exportLab(directory.path() / "lab", directory.path() / "out", 2000);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->bytes, 1040U);
  EXPECT_EQ(kept->kept, 5U);
  EXPECT_EQ(kept->left, 0U);
  EXPECT_TRUE(fs::exists(directory.path() / "out/one/a-r1/latency.hlog"));
}

TEST(LabExport, LeavesTheLargestFilesOutFirst) {
  const TemporaryDirectory directory;
  makeLab(directory.path() / "lab");
  const fs::path out = directory.path() / "out";
  const auto kept = exportLab(directory.path() / "lab", out, 100);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(kept->left, 1U);
  EXPECT_TRUE(fs::exists(out / "one/a-r1/events.jsonl"));
  EXPECT_FALSE(fs::exists(out / "one/a-r1/latency.hlog"));
}

TEST(LabExport, RefusesWhatItWouldSpoil) {
  const TemporaryDirectory directory;
  const fs::path lab = directory.path() / "lab";
  makeLab(lab);
  EXPECT_THAT(exportLab(lab, directory.path() / "out", 20).error().message, HasSubstr("-most="));
  EXPECT_FALSE(fs::exists(directory.path() / "out"));
  EXPECT_THAT(exportLab(lab, lab, 2000).error().message, HasSubstr("empty directory"));
  for (const fs::path& inside : {lab / "copy", lab / "one" / ".." / "copy"})
    EXPECT_THAT(exportLab(lab, inside, 2000).error().message, HasSubstr("outside"));
  fs::create_directory_symlink(lab, directory.path() / "link");
  EXPECT_THAT(exportLab(lab, directory.path() / "link" / "copy", 2000).error().message,
              HasSubstr("outside"));
  EXPECT_FALSE(fs::exists(lab / "copy"));
  EXPECT_TRUE(exportLab(lab, directory.path() / "lab-copy", 2000));
  EXPECT_THAT(exportLab(directory.path(), directory.path() / "out", 20).error().message,
              HasSubstr("not a lab"));
}

}  // namespace
}  // namespace redline
