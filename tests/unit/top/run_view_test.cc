#include "top/run_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include <thread>

#include "support/tcp_listener.h"
#include "top/run_screen.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

MetricsPage page(std::string_view text) {
  auto parsed = MetricsPage::parse(text);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? std::move(*parsed) : MetricsPage{};
}

TEST(MetricsPage, IsReadByNameAndLabel) {
  const MetricsPage metrics = page(
      "# HELP a Help.\n# TYPE a counter\n"
      "a{op=\"get\",outcome=\"completed\"} 7\na{op=\"set\",outcome=\"completed\"} 3\n"
      "a{op=\"get\",outcome=\"failed\"} 1\nb 2.5e3\n"
      "phase{phase=\"warmup\"} 0\nphase{phase=\"measure\"} 1\n"
      "run{run=\"x\\\"\\\\y\\nz\"} 1\n");
  EXPECT_EQ(metrics.sum("a", "outcome", "completed"), 10);
  EXPECT_EQ(metrics.sum("a"), 11);
  EXPECT_EQ(metrics.sum("b"), 2500);
  EXPECT_TRUE(std::isnan(metrics.sum("c")));
  EXPECT_TRUE(std::isnan(metrics.sum("a", "op", "del")));
  EXPECT_THAT(metrics.by("a", "op"), ElementsAre(Pair("get", 8), Pair("set", 3)));
  EXPECT_EQ(metrics.current("phase", "phase"), "measure");
  EXPECT_EQ(metrics.labelsOf("run").at("run"), "x\"\\y\nz");
}

TEST(MetricsPage, PassesOverWhatIsNoneAndRefusesWhatHasNone) {
  EXPECT_EQ(page("junk\n{} 1\na{x=\"1\" 2\na{x=\"1\n good 1\na{ 1\ng 4\n").sum("g"), 4);
  EXPECT_FALSE(MetricsPage::parse(""));
  EXPECT_FALSE(MetricsPage::parse("<html>no</html>"));
}

TEST(Quantiles, ArePlacedWithinTheirBucket) {
  const std::map<std::string, double> before{{"0.001", 100}, {"0.002", 100}, {"+Inf", 100}};
  const std::map<std::string, double> after{{"0.001", 150}, {"0.002", 200}, {"+Inf", 200}};
  EXPECT_NEAR(quantileBetween(before, after, 0.25), 0.0005, 1e-9);
  EXPECT_NEAR(quantileBetween(before, after, 0.75), 0.0015, 1e-9);
  EXPECT_TRUE(std::isnan(quantileBetween(after, after, 0.5)));
  EXPECT_TRUE(std::isnan(quantileBetween({}, {}, 0.5)));
  // Beyond the last bound nothing is known but that.
  EXPECT_NEAR(quantileBetween({}, {{"0.001", 0}, {"+Inf", 10}}, 0.5), 0.001, 1e-9);
}

constexpr std::string_view kBefore =
    "redline_run_info{run=\"r1\"} 1\nredline_run_phase{phase=\"measure\"} 1\n"
    "redline_target_operations_per_second 50000\n"
    "redline_operations_total{op=\"get\",outcome=\"completed\"} 1000\n"
    "redline_cache_hits_total 900\nredline_cache_misses_total 100\n"
    "redline_response_seconds_bucket{op=\"get\",le=\"0.001\"} 1000\n"
    "redline_response_seconds_bucket{op=\"get\",le=\"+Inf\"} 1000\n"
    "redis_memory_used_bytes{addr=\"127.0.0.1:7600\"} 1000000\n"
    "redis_commands_processed_total{addr=\"127.0.0.1:7600\"} 5000\n";
constexpr std::string_view kAfter =
    "redline_run_info{run=\"r1\"} 1\nredline_run_phase{phase=\"measure\"} 1\n"
    "redline_target_operations_per_second 50000\n"
    "redline_operations_total{op=\"get\",outcome=\"completed\"} 101000\n"
    "redline_operations_total{op=\"get\",outcome=\"failed\"} 20\n"
    "redline_cache_hits_total 80900\nredline_cache_misses_total 20100\n"
    "redline_errors_total{kind=\"oom\"} 20\nredline_fault_active{fault=\"bgsave\"} 1\n"
    "redline_hot_slot_operations_total{slot=\"42\"} 50500\n"
    "redline_response_seconds_bucket{op=\"get\",le=\"0.001\"} 101000\n"
    "redline_response_seconds_bucket{op=\"get\",le=\"+Inf\"} 101000\n"
    "redis_memory_used_bytes{addr=\"127.0.0.1:7600\"} 2000000\n"
    "redis_commands_processed_total{addr=\"127.0.0.1:7600\"} 109000\n";

TEST(RunView, IsWhatHappenedBetweenTwoPages) {
  const RunView view = runView(page(kBefore), page(kAfter), 2);
  EXPECT_EQ(view.run, "r1");
  EXPECT_EQ(view.phase, "measure");
  EXPECT_DOUBLE_EQ(view.achieved, 50'000);
  EXPECT_DOUBLE_EQ(view.failedPerS, 10);
  EXPECT_DOUBLE_EQ(view.hitRate, 0.8);
  EXPECT_NEAR(view.response.p99, 0.00099, 1e-9);
  EXPECT_TRUE(std::isnan(view.service.p99));
  EXPECT_THAT(view.errors, ElementsAre(Pair("oom", 20)));
  EXPECT_THAT(view.faults, ElementsAre("bgsave"));
  ASSERT_EQ(view.nodes.size(), 1U);
  EXPECT_DOUBLE_EQ(view.nodes.front().opsPerS, 52'000);
  EXPECT_THAT(view.hotSlots, ElementsAre(Pair("42", 0.5)));
}

TEST(RunView, CountsASpinningGeneratorAsIdle) {
  const RunView view =
      runView(page(std::string(kBefore) + "redline_generator_cpu_seconds_total{mode=\"user\"} 1\n"
                                          "redline_generator_idle_seconds_total 0.5\n"),
              page(std::string(kAfter) + "redline_generator_threads 2\n"
                                         "redline_generator_cpu_seconds_total{mode=\"user\"} 4\n"
                                         "redline_generator_idle_seconds_total 2.5\n"),
              2);
  EXPECT_DOUBLE_EQ(view.generatorBusy, 0.25);
}

TEST(RunView, HasNoRatesOfAServerThatWasNotThereBefore) {
  const std::string added =
      "redis_memory_used_bytes{addr=\"127.0.0.1:7601\"} 1000\n"
      "redis_commands_processed_total{addr=\"127.0.0.1:7601\"} 9000000\n"
      "redis_evicted_keys_total{addr=\"127.0.0.1:7601\"} 5000\n";
  const RunView view = runView(page(kBefore), page(std::string(kAfter) + added), 2);
  ASSERT_EQ(view.nodes.size(), 2U);
  EXPECT_DOUBLE_EQ(view.nodes[0].opsPerS, 52'000);
  EXPECT_TRUE(std::isnan(view.nodes[1].opsPerS));
  EXPECT_TRUE(std::isnan(view.nodes[1].evictedPerS));
  EXPECT_DOUBLE_EQ(view.failedPerS, 10) << "the run's own counters began at 0";
}

/// What readMetrics() says of a program whose page is this.
Status readingOf(const std::string& body) {
  const TcpListener program;
  std::thread answer([&] {
    const Fd client = program.accept();
    std::array<char, 4096> request;
    (void)::recv(client.get(), request.data(), request.size(), 0);
    const std::string text = "HTTP/1.1 200 OK\r\n\r\n" + body;
    (void)::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
  });
  const auto page = readMetrics(program.endpoint(), 30 * kSecond);
  answer.join();
  return page ? Status{} : Status(fail(page.error()));
}

TEST(RunPages, AreThoseOfRedlineAlone) {
  EXPECT_TRUE(readingOf(std::string(kBefore)));
  for (const char* const other : {"go_goroutines 33\n", "redlines 1\nzzz 1\n", "a 1\n", "<html>"}) {
    const Status read = readingOf(other);
    ASSERT_FALSE(read) << other;
    EXPECT_THAT(read.error().message, HasSubstr("-metrics"));
  }
}

TEST(RunPages, WithNobodyThereAdviseARun) {
  Endpoint nobody;
  {
    nobody = TcpListener().endpoint();
  }
  const auto page = readMetrics(nobody, 30 * kSecond);
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().message,
              testing::AllOf(HasSubstr("-metrics=" + nobody.text()), Not(HasSubstr("-addr")),
                             Not(HasSubstr("stack up"))));
}

TEST(RunView, OfFaultsAloneSaysThatThereIsNoLoad) {
  const std::string text =
      "redline_run_info{run=\"\"} 1\nredline_target_operations_per_second 0\n"
      "redline_generator_threads 0\n"
      "redline_operations_total{op=\"get\",outcome=\"completed\"} 0\n"
      "redline_fault_active{fault=\"bgsave\"} 1\n"
      "redis_memory_used_bytes{addr=\"127.0.0.1:7600\"} 1000000\n";
  const RunView view = runView(page(text), page(text), 1);
  const std::string screen =
      fmt::format("{}", fmt::join(runScreen(view, {"x", 0, ""}, {140, 0, false}), "\n"));
  for (const std::string& shown : {screen, runLine(view, 0)})
    EXPECT_THAT(shown, testing::AllOf(HasSubstr("no load"), HasSubstr("bgsave"),
                                      HasSubstr("127.0.0.1:7600"), Not(HasSubstr("as fast as")),
                                      Not(HasSubstr("p99"))));
  EXPECT_THAT(runJson(view, 0),
              testing::AllOf(HasSubstr("\"load\":false"), HasSubstr("\"achieved_per_s\":null")));
}

TEST(RunScreen, ShowsItAndFits) {
  const RunView view = runView(page(kBefore), page(kAfter), 2);
  const std::string screen = fmt::format(
      "{}",
      fmt::join(runScreen(view, {"run at 127.0.0.1:9121", 0, "q quits"}, {140, 0, false}), "\n"));
  for (const char* const part : {"run r1  phase measure", "50k/s of 50k/s", "hits 80", "990 µs",
                                 "faults under way: bgsave", "slot 42", "errors oom 20"})
    EXPECT_THAT(screen, HasSubstr(part));
  EXPECT_LE(runScreen(view, {"x", 0, ""}, {60, 12, false}).size(), 12U);
  for (const std::size_t rows : {0U, 40U})
    EXPECT_THAT(runScreen(view, {"x", 0, ""}, {80, rows, false}),
                testing::Each(Not(HasSubstr("…"))));
  EXPECT_THAT(runLine(view, 0), HasSubstr("response p50"));
  EXPECT_THAT(runJson(view, 0), HasSubstr("\"achieved_per_s\":50000.0"));
  RunView hostile = view;
  hostile.run = "\x1b[2J";
  hostile.phase = "\x1b[2J";
  EXPECT_THAT(fmt::format("{}", fmt::join(runScreen(hostile, {"x", 0, ""}, {140, 0, false}), "\n")),
              Not(HasSubstr("\x1b")));
  EXPECT_THAT(runLine(hostile, 0), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace redline
