// latency.hlog, read by somebody else: Java's HdrHistogram, as Debian packages it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rundir/hlog.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

constexpr const char* kJar = "/usr/share/java/hdrhistogram.jar";

struct Output {
  std::string text;
  int status = -1;
};

Output run(const std::string& command) {
  Output output;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return output;
  char block[4096];
  for (std::size_t got; (got = fread(block, 1, sizeof block, pipe)) > 0;)
    output.text.append(block, got);
  output.status = pclose(pipe);
  return output;
}

/// One line "value percentile count 1/(1-percentile)" of the reader's distribution.
struct PercentileLine {
  double value = 0, percentile = 0;
  std::uint64_t count = 0;
};

struct Distribution {
  std::vector<PercentileLine> lines;
  std::optional<double> mean, deviation, max;
  std::optional<std::uint64_t> total;
};

/// The number behind "name" and "=", in a footer such as "#[Mean    =     12.3, StdDeviation   =
/// 4]".
std::optional<double> footer(const std::string& text, const std::string& name) {
  const auto at = text.find(name);
  const auto equals = at == std::string::npos ? at : text.find('=', at);
  if (equals == std::string::npos) return std::nullopt;
  return std::stod(text.substr(equals + 1));
}

Distribution parse(const std::string& text) {
  Distribution distribution;
  std::istringstream lines(text.substr(std::min(text.find("Value "), text.size())));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    PercentileLine parsed;
    std::istringstream fields(line);
    if (fields >> parsed.value >> parsed.percentile >> parsed.count)
      distribution.lines.push_back(parsed);
  }
  distribution.mean = footer(text, "#[Mean");
  distribution.deviation = footer(text, "StdDeviation");
  distribution.max = footer(text, "#[Max");
  if (const auto total = footer(text, "Total count"))
    distribution.total = static_cast<std::uint64_t>(*total);
  return distribution;
}

class IndependentReader : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(run("java -version").status, 0)
        << "this test needs a Java runtime: apt-get install default-jre-headless";
    ASSERT_TRUE(std::filesystem::exists(kJar))
        << kJar << " is missing: apt-get install libhdrhistogram-java";
  }

  Distribution read(const std::string& log, const std::string& tag) {
    const auto path = directory_.write("latency.hlog", log);
    const Output output =
        run(std::string("java -cp ") + kJar + " org.HdrHistogram.HistogramLogProcessor -i " + path +
            " -tag " + tag + " -outputValueUnitRatio 1");
    EXPECT_EQ(output.status, 0) << output.text;
    return parse(output.text);
  }

  TemporaryDirectory directory_;
};

/// Latencies of every magnitude, most of them around 100 µs: the shape of a run with a stall.
Nanos anyLatency(Rng& rng) {
  if (rng.below(20) != 0) return static_cast<Nanos>(50'000 + rng.below(100'000));
  return static_cast<Nanos>(rng.next() & Histogram::kHighest) >> rng.below(42);
}

/// The shares that the reader steps through, five to each halving of the distance to 1. What it
/// prints of them is rounded to twelve digits.
double exactShare(std::size_t step) {
  const std::size_t halving = step / 5;
  const double distance = std::ldexp(1.0, -static_cast<int>(halving));
  return 1 - distance + distance / 2 * static_cast<double>(step % 5) / 5;
}

void expectSame(const Distribution& theirs, const Histogram& ours) {
  ASSERT_GT(theirs.lines.size(), 20U);
  for (std::size_t i = 0; i + 1 < theirs.lines.size(); ++i) {
    const PercentileLine& line = theirs.lines[i];
    ASSERT_NEAR(line.percentile, exactShare(i), 1e-12);
    ASSERT_EQ(static_cast<Nanos>(line.value), ours.quantile(exactShare(i)))
        << "at percentile " << line.percentile;
    ASSERT_EQ(line.count, ours.countAtOrBelow(static_cast<Nanos>(line.value)));
  }
  const PercentileLine& last = theirs.lines.back();
  EXPECT_EQ(last.percentile, 1.0);
  EXPECT_EQ(static_cast<Nanos>(last.value), ours.quantile(1));
  EXPECT_EQ(last.count, ours.count());
  EXPECT_EQ(theirs.total, ours.count());
  EXPECT_NEAR(theirs.mean.value_or(-1), ours.mean(), 0.001 + 1e-9 * ours.mean());
  EXPECT_NEAR(theirs.deviation.value_or(-1), ours.stdDeviation(),
              0.001 + 1e-9 * ours.stdDeviation());
  EXPECT_EQ(static_cast<Nanos>(theirs.max.value_or(-1)), ours.quantile(1));
}

TEST_F(IndependentReader, FindsOurPercentilesAndCountsInALogOfSeveralIntervals) {
  Rng rng(20'261);
  Histogram response;
  Histogram lateness;
  std::string log = hlogHeader(1'700'000'000 * kSecond + 123 * kMillisecond);
  for (int interval = 0; interval < 5; ++interval) {
    Histogram here[2];
    for (std::uint64_t i = 2000 + rng.below(20'000); i > 0; --i) {
      here[0].record(anyLatency(rng));
      here[1].record(static_cast<Nanos>(rng.below(3000)), 1 + rng.below(1'000'000));
    }
    log += hlogLine("response", interval * kSecond, (interval + 1) * kSecond, here[0]);
    log += hlogLine("lateness", interval * kSecond, (interval + 1) * kSecond, here[1]);
    response.add(here[0]);
    lateness.add(here[1]);
  }
  expectSame(read(log, "response"), response);
  expectSame(read(log, "lateness"), lateness);
}

TEST_F(IndependentReader, FindsTheSameInTheExtremeSlots) {
  Histogram histogram;
  for (std::size_t slot = 0; slot < Histogram::kSlots; slot += 97)
    histogram.record(Histogram::middleOf(slot), 1 + slot % 5);
  histogram.record(0);
  histogram.record(Histogram::kHighest);
  const std::string log = hlogHeader(0) + hlogLine("response", 0, kSecond, Histogram{}) +
                          hlogLine("response", kSecond, 2 * kSecond, histogram);
  expectSame(read(log, "response"), histogram);
}

}  // namespace
}  // namespace redline
