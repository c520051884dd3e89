#include "run/send_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

std::vector<Nanos> timesIn(const fs::path& path) {
  const std::string bytes = readWholeFile(path).value_or("");
  std::vector<Nanos> times(bytes.size() / sizeof(Nanos));
  std::memcpy(times.data(), bytes.data(), times.size() * sizeof(Nanos));
  return times;
}

TEST(SendFile, MergesTheWorkersTimesInOrderAndLeavesNothingElse) {
  const TemporaryDirectory home;
  SendLog first, second;
  auto file = SendFile::create(home.path() / "sends", {&first, &second});
  ASSERT_TRUE(file) << file.error().message;
  const Nanos zero = 1000;
  for (Nanos n = 0; n < 200'000; ++n) {
    first.append(zero + 2 * n, 1);
    second.append(zero + 3 * n, 2);
    if (n % 50'000 == 0) {
      ASSERT_TRUE(file->poll());
    }
  }
  ASSERT_TRUE(file->finish(zero));
  const auto times = timesIn(home.path() / "sends");
  ASSERT_EQ(times.size(), 600'000U);
  EXPECT_TRUE(std::ranges::is_sorted(times));
  EXPECT_EQ(times.front(), 0);
  EXPECT_EQ(times.back(), 3 * 199'999);
  EXPECT_EQ(std::distance(fs::directory_iterator(home.path()), {}), 1);
}

TEST(SendFile, SaysThatTimesAreMissing) {
  const TemporaryDirectory home;
  SendLog log;
  auto file = SendFile::create(home.path() / "sends", {&log});
  ASSERT_TRUE(file);
  log.append(1, (SendLog::kMostChunks + 1) * SendLog::kChunk);
  const Status ended = file->finish(0);
  ASSERT_FALSE(ended);
  EXPECT_NE(ended.error().message.find("65536 times are missing"), std::string::npos);
  EXPECT_EQ(timesIn(home.path() / "sends").size(), SendLog::kMostChunks * SendLog::kChunk);
}

}  // namespace
}  // namespace redline
