// /metrics as its users have it: the real driver with -metrics, a real Prometheus that scrapes it,
// and the answers of its query API beside summary.json.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "os/files.h"
#include "os/gated_child.h"
#include "os/program.h"
#include "support/http_client.h"
#include "support/paths.h"
#include "support/real_redis.h"
#include "workload/keyspace.h"
#include "workload/values.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::adminOf;
using test::BarePeer;
using test::eventually;
using test::httpGet;
using test::startRedis;
using test::TemporaryDirectory;
using testing::HasSubstr;
using Words = std::vector<std::string>;

/// A program that runs beside the test and ends with it.
class Child {
 public:
  Child(Words args, const fs::path& home, const std::string& name)
      : output_(home / (name + ".txt")) {
    const auto output = openToAppend(output_);
    EXPECT_TRUE(output) << output.error().message;
    if (!output) return;
    auto child =
        GatedChild::spawn({std::move(args), home, -1, output->get(), output->get(), false});
    EXPECT_TRUE(child) << child.error().message;
    if (!child) return;
    id_ = identify(child->pid()).value_or(ProcessId{});
    const auto released = child->release();
    EXPECT_TRUE(released) << released.error().message;
  }
  ~Child() {
    if (id_.pid == 0 || !isAlive(id_)) return;
    (void)sendSignal(id_, SIGKILL);
    awaitExit(id_, 5 * kSecond);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool runs() const { return id_.pid != 0 && isAlive(id_); }
  bool ends(int signal) {
    return sendSignal(id_, signal).has_value() && awaitExit(id_, 10 * kSecond);
  }
  std::string output() const { return readWholeFile(output_).value_or("(no output)"); }

 private:
  fs::path output_;
  ProcessId id_;
};

std::string redlineProgram() {
  return REDLINE_BINARY_DIR "/redline";
}

/// What a shell sees of a command: all that it printed, and "exit N" at the end.
std::string shell(const std::string& line) {
  const auto ran = runProgram({"/bin/sh", "-c", line}, 60 * kSecond);
  EXPECT_TRUE(ran) << ran.error().message;
  return ran ? fmt::format("{}{}exit {}\n", ran->output, ran->errors, ran->exitCode) : "";
}

/// Fails the test when the machine lacks what it needs; a test that is skipped shows nothing.
bool installed(std::string_view program) {
  const auto found = findProgram(program);
  EXPECT_TRUE(found) << program << " is missing: run scripts/setup --for=test, or install the "
                     << "Debian package prometheus";
  return found.has_value();
}

constexpr std::size_t kValueSize = 4096;
constexpr std::uint64_t kStored = 1'000;

void fill(Admin admin) {
  const Values values(1, kValueSize);
  std::vector<Words> commands;
  for (std::uint64_t id = 0; id < kStored; ++id) {
    char key[kMaxKeyLength];
    std::string value(kValueSize, '\0');
    values.write(value.data(), id, 0);
    commands.push_back({"SET", std::string(key, writeKey(key, id)), value});
  }
  ASSERT_TRUE(admin.pipeline(commands, 60 * kSecond));
}

/// A Prometheus of the test's own on loopback, scraping one target every second.
class Prometheus {
 public:
  Prometheus(const fs::path& home, std::uint16_t target) : port_(freePort().value_or(0)) {
    const fs::path config = home / "prometheus.yml";
    EXPECT_TRUE(writeWholeFile(
        config,
        fmt::format("global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\nscrape_configs:\n"
                    "  - job_name: redline\n    static_configs:\n"
                    "      - targets: [\"127.0.0.1:{}\"]\n",
                    target)));
    child_.emplace(
        Words{"prometheus", "--config.file=" + config.string(),
              "--storage.tsdb.path=" + (home / "tsdb").string(),
              fmt::format("--web.listen-address=127.0.0.1:{}", port_), "--log.level=warn"},
        home, "prometheus");
  }

  /// The one value that `query` has now; none while it has none.
  std::optional<double> find(const std::string& query) const {
    const auto reply = httpGet(port_, "/api/v1/query?query=" + test::urlEncoded(query));
    if (!reply || reply->status != 200) return std::nullopt;
    const json body = json::parse(reply->body, nullptr, false);
    const json& results = body.at("data").at("result");
    if (results.size() != 1) return std::nullopt;
    return std::stod(results.at(0).at("value").at(1).get<std::string>());
  }
  double value(const std::string& query) const {
    const auto found = find(query);
    EXPECT_TRUE(found) << "Prometheus has not one value for " << query;
    return found.value_or(-1);
  }
  std::string output() const { return child_->output(); }

 private:
  std::uint16_t port_;
  std::optional<Child> child_;
};

/// A server that will run full, so that some writes fail, and with one key of twenty stored.
std::optional<ScopedStack> smallRedis() {
  NodeConfig config;
  config.maxmemory = 8ULL << 20;
  config.policy = "volatile-lru";  // and no key has a TTL
  auto redis = startRedis(config);
  if (!redis) return std::nullopt;
  auto admin = adminOf(*redis);
  if (!admin) return std::nullopt;
  fill(std::move(*admin));
  return redis;
}

void expectEqualCounts(const Prometheus& prometheus, const json& summary) {
  const json& rate = summary.at("rate");
  const auto expect = [&](const std::string& query, const json& value) {
    EXPECT_EQ(prometheus.value(query), value.get<double>()) << query;
  };
  expect("redline_scheduled_operations_total", rate.at("scheduled"));
  expect("sum(redline_sent_operations_total)", rate.at("sent"));
  expect("sum(redline_operations_total{outcome=\"completed\"})", rate.at("completed"));
  expect("sum(redline_operations_total{outcome=\"failed\"})", rate.at("failed"));
  expect("redline_errors_total{kind=\"oom\"}", rate.at("errors").at("oom"));
  expect("sum(redline_errors_total)", rate.at("failed"));
  expect("redline_unfinished_operations_total", rate.at("outstanding"));
  expect("redline_target_operations_per_second", rate.at("target"));
  expect("redline_cache_hits_total", summary.at("cache").at("hits"));
  expect("redline_cache_misses_total", summary.at("cache").at("misses"));
  expect("redline_values_checked_total", summary.at("verify").at("checked"));
  expect("redline_values_corrupt_total", summary.at("verify").at("corrupt"));
  expect("redline_failed_response_seconds_count",
         summary.at("latency_us").at("failed").at("all").at("count"));
  EXPECT_NEAR(prometheus.value("redline_generator_cpu_seconds_total{mode=\"user\"}"),
              summary.at("generator").at("cpu_user_s").get<double>(), 1e-5);
}

void expectEqualLatencies(const Prometheus& prometheus, const json& summary) {
  for (const std::string measure : {"response", "service", "lateness", "dispatch"})
    for (const std::string op : {"get", "set"}) {
      const json& figures = summary.at("latency_us").at(measure).at(op);
      const auto count = figures.at("count").get<double>();
      const std::string name = "redline_" + measure + "_seconds";
      const std::string label = "{op=\"" + op + "\"}";
      EXPECT_EQ(prometheus.value(name + "_count" + label), count) << name;
      EXPECT_EQ(prometheus.value(name + "_bucket{le=\"+Inf\",op=\"" + op + "\"}"), count) << name;
      EXPECT_NEAR(prometheus.value(name + "_sum" + label) * 1e6 / count,
                  figures.at("mean").get<double>(),
                  0.001 * figures.at("mean").get<double>() + 0.001)
          << name;
      // The bucket that holds the summary's median holds Prometheus's too: bounds lie at most a
      // factor of 2.5 apart.
      const double median =
          prometheus.value("histogram_quantile(0.5, " + name + "_bucket" + label + ")") * 1e6;
      if (measure == "service" || measure == "response") {
        EXPECT_GT(median, figures.at("p50").get<double>() / 2.5) << name;
        EXPECT_LT(median, figures.at("p50").get<double>() * 2.5) << name;
      }
    }
}

void expectEqualServer(const Prometheus& prometheus, const ScopedStack& redis) {
  const auto info = adminOf(redis)->info({"everything"});
  ASSERT_TRUE(info);
  const std::string label = "{addr=\"" + redis.endpoint().text() + "\"}";
  EXPECT_EQ(prometheus.value("redis_keyspace_hits_total" + label), info->number("keyspace_hits"));
  EXPECT_EQ(prometheus.value("redis_keyspace_misses_total" + label),
            info->number("keyspace_misses"));
  EXPECT_EQ(prometheus.value("redis_memory_max_bytes" + label), 8 << 20);
  EXPECT_EQ(prometheus.value("redis_db_keys"), static_cast<double>(info->keys()));
  EXPECT_EQ(prometheus.value("redis_rdb_last_bgsave_status" + label), 1);
  EXPECT_EQ(prometheus.value("redis_instance_info{redis_version=\"" + std::string(info->version()) +
                             "\",role=\"master\"}"),
            1);
}

void expectCleanForPromtool(const fs::path& home, std::uint16_t port) {
  const auto reply = httpGet(port, "/metrics");
  ASSERT_TRUE(reply);
  const fs::path file = home / "metrics.txt";
  ASSERT_TRUE(writeWholeFile(file, reply->body));
  EXPECT_EQ(shell("promtool check metrics < " + file.string()), "exit 0\n");
}

TEST(Metrics, InARealPrometheusEqualTheSummaryAndTheServersInfo) {
  ASSERT_TRUE(installed("prometheus"));
  ASSERT_TRUE(installed("promtool"));
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  const Prometheus prometheus(home.path(), *port);
  // It takes some 5 s to its first scrape, which finds nobody there: then the run may begin.
  ASSERT_TRUE(eventually([&] { return prometheus.find("up{job=\"redline\"}") == 0; }, 60 * kSecond))
      << prometheus.output();

  const fs::path summaryFile = home.path() / "summary.json";
  Child driver({redlineProgram(), "driver", "-addr=" + redis->endpoint().text(), "-keys=20000",
                "-force", fmt::format("-value-size={}", kValueSize), "-ttl-frac=0", "-rate=2000",
                "-rw-ratio=0.5", "-warmup=500ms", "-duration=5s",
                fmt::format("-metrics=127.0.0.1:{}", *port), "-metrics-linger=120s",
                "-json=" + summaryFile.string(), "-out=" + (home.path() / "run").string()},
               home.path(), "driver");
  EXPECT_TRUE(eventually(
      [&] { return prometheus.find("redline_run_phase{phase=\"measure\"}") == 1; }, 30 * kSecond))
      << driver.output();
  ASSERT_TRUE(eventually(
      [&] { return prometheus.find("redline_run_phase{phase=\"ended\"}") == 1 || !driver.runs(); },
      60 * kSecond))
      << driver.output();
  ASSERT_TRUE(driver.runs()) << driver.output();

  const json summary = json::parse(readWholeFile(summaryFile).value_or(""), nullptr, false);
  ASSERT_TRUE(summary.is_object());
  EXPECT_EQ(summary.at("rate").at("scheduled"), 10'000);
  for (const std::string field : {"completed", "failed"})
    EXPECT_GT(summary.at("rate").at(field), 0) << "the comparison would show nothing";
  for (const std::string field : {"hits", "misses"})
    EXPECT_GT(summary.at("cache").at(field), 0) << "the comparison would show nothing";
  expectEqualCounts(prometheus, summary);
  expectEqualLatencies(prometheus, summary);
  expectEqualServer(prometheus, *redis);
  EXPECT_GE(prometheus.value("count_over_time(redline_scheduled_operations_total[1m])"), 2);
  expectCleanForPromtool(home.path(), *port);
  EXPECT_TRUE(driver.ends(SIGINT)) << "Ctrl-C ends -metrics-linger";
}

/// The value of a series of a page, as written.
double seriesOf(const std::string& page, const std::string& name) {
  const auto at = page.find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << name;
  return at == std::string::npos ? -1 : std::stod(page.substr(at + name.size() + 2));
}

TEST(Metrics, OfAClusterHaveItsNodesAndRedirectsAsTheSummaryHasThem) {
  ASSERT_TRUE(installed("promtool"));
  ClusterShape shape;
  shape.replicas = 0;
  const auto stack = test::startCluster({}, shape);
  ASSERT_TRUE(stack);
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  const fs::path summaryFile = home.path() / "summary.json";
  // The driver's checks need its servers in a stack of this user's, or -force.
  Child driver(
      {redlineProgram(), "driver", "-topology=cluster", "-addr=" + stack->endpoint().text(),
       "-keys=2000", "-ttl-frac=0", "-rate=2000", "-rw-ratio=0.5", "-warmup=300ms", "-duration=2s",
       "-force", "-chaos=300ms:reshard -slots=0-199 -target=" + stack->node(2).endpoint().text(),
       fmt::format("-metrics=127.0.0.1:{}", *port), "-metrics-linger=60s",
       "-json=" + summaryFile.string(), "-out=" + (home.path() / "run").string()},
      home.path(), "driver");
  std::string page;
  ASSERT_TRUE(eventually(
      [&] {
        const auto reply = httpGet(*port, "/metrics");
        if (reply) page = reply->body;
        return page.find("redline_run_phase{phase=\"ended\"} 1") != std::string::npos ||
               !driver.runs();
      },
      30 * kSecond));
  ASSERT_TRUE(driver.runs()) << driver.output();
  const json summary = json::parse(readWholeFile(summaryFile).value_or(""), nullptr, false);
  ASSERT_TRUE(summary.is_object());
  const json& cluster = summary.at("cluster");
  EXPECT_GT(cluster.at("moved"), 0) << "the comparison would show nothing";
  for (const std::string kind : {"moved", "ask", "tryagain", "clusterdown"})
    EXPECT_EQ(seriesOf(page, "redline_redirects_total{kind=\"" + kind + "\"}"),
              cluster.at(kind).get<double>());
  EXPECT_EQ(seriesOf(page, "redline_faults_total{fault=\"reshard\"}"), 1);
  EXPECT_EQ(seriesOf(page, "redline_fault_active{fault=\"reshard\"}"), 0);
  double inSlots = 0, onNodes = 0;
  for (int first = 0; first < 16'384; first += 128)
    inSlots +=
        seriesOf(page, fmt::format("redline_slot_range_operations_total{{slots=\"{:05}-{:05}\"}}",
                                   first, first + 127));
  for (const json& node : cluster.at("nodes")) onNodes += node.at("ops").get<double>();
  EXPECT_EQ(inSlots, onNodes);
  EXPECT_EQ(seriesOf(page, "redline_run_info{run=\"run\"}"), 1);
  ASSERT_EQ(cluster.at("nodes").size(), 3U);
  for (const json& node : cluster.at("nodes")) {
    const std::string of = "{addr=\"" + node.at("addr").get<std::string>() + "\"}";
    EXPECT_EQ(seriesOf(page, "redline_node_operations_total" + of), node.at("ops").get<double>());
    EXPECT_EQ(seriesOf(page, "redline_node_redirects_total" + of),
              node.at("redirected").get<double>());
    const json& service = node.at("service_us");
    const double count = service.at("count").get<double>();
    EXPECT_EQ(seriesOf(page, "redline_node_service_seconds_count" + of), count);
    EXPECT_NEAR(seriesOf(page, "redline_node_service_seconds_sum" + of) * 1e6 / count,
                service.at("mean").get<double>(), 0.001 * service.at("mean").get<double>());
  }
  expectCleanForPromtool(home.path(), *port);
}

TEST(Metrics, APortInUseIsOneLineAndExitCodeOneAndNothingIsSent) {
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const BarePeer other("");
  const TemporaryDirectory home;
  const fs::path run = home.path() / "run";
  const std::string output = shell(
      fmt::format("{} driver -addr={} -keys=1000 -value-size={} -duration=1s -out={} -metrics={}",
                  redlineProgram(), redis->endpoint().text(), kValueSize, run.string(),
                  other.endpoint().text()));
  EXPECT_THAT(output, HasSubstr("the port is in use by"));
  EXPECT_THAT(output, HasSubstr(other.endpoint().text()));
  EXPECT_TRUE(output.ends_with("\nexit 1\n")) << output;
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 2) << output;
  EXPECT_FALSE(fs::exists(run));
}

TEST(Metrics, OfALabAndOfAFaultAloneNeedAFreePortToo) {
  const BarePeer other("");
  const TemporaryDirectory home;
  for (const std::string& command : {"lab run pipelining -out=" + (home.path() / "lab").string(),
                                     std::string("chaos -action=bgsave")}) {
    const std::string output =
        shell(fmt::format("{} {} -metrics={}", redlineProgram(), command, other.endpoint().text()));
    EXPECT_THAT(output, HasSubstr("the port is in use by")) << command;
    EXPECT_TRUE(output.ends_with("\nexit 1\n")) << output;
    EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 2) << output;
  }
  EXPECT_FALSE(fs::exists(home.path() / "lab"));
}

TEST(Metrics, OfAFaultAloneHaveItsServerAndTheFault) {
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  Child chaos({redlineProgram(), "chaos", "-action=bgsave", "-addr=" + redis->endpoint().text(),
               fmt::format("-metrics=127.0.0.1:{}", *port), "-metrics-linger=60s"},
              home.path(), "chaos");
  std::string page;
  ASSERT_TRUE(eventually(
      [&] {
        const auto reply = httpGet(*port, "/metrics");
        if (reply) page = reply->body;
        return page.find("redline_run_phase{phase=\"ended\"} 1") != std::string::npos ||
               !chaos.runs();
      },
      30 * kSecond))
      << chaos.output();
  ASSERT_TRUE(chaos.runs()) << chaos.output();
  EXPECT_EQ(seriesOf(page, "redline_faults_total{fault=\"bgsave\"}"), 1);
  EXPECT_EQ(seriesOf(page, "redline_fault_active{fault=\"bgsave\"}"), 0);
  EXPECT_GT(seriesOf(page, "redis_memory_used_bytes{addr=\"" + redis->endpoint().text() + "\"}"),
            0);
  Child top({redlineProgram(), "top", "-once", "-interval=100ms",
             fmt::format("-metrics=127.0.0.1:{}", *port)},
            home.path(), "top");
  EXPECT_TRUE(eventually([&] { return !top.runs(); }));
  EXPECT_THAT(top.output(), testing::AllOf(testing::HasSubstr("no load"),
                                           testing::Not(testing::HasSubstr("as fast as"))));
  EXPECT_TRUE(chaos.ends(SIGINT)) << "Ctrl-C ends -metrics-linger";
}

TEST(Metrics, AreServedOnAddressesOfThisMachineAlone) {
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const std::string output =  // TEST-NET-1: nobody's
      shell(fmt::format("{} driver -addr={} -keys=1000 -value-size={} -metrics=192.0.2.1:9121",
                        redlineProgram(), redis->endpoint().text(), kValueSize));
  EXPECT_THAT(output, HasSubstr("192.0.2.1:9121 is not an address of this machine"));
  EXPECT_TRUE(output.ends_with("\nexit 1\n")) << output;
}

TEST(Metrics, OnOtherAddressesThanLoopbackAreSaidToBeOpenToEverybody) {
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto notesWith = [&](const std::string& host, const std::string& out) {
    const auto port = freePort();
    EXPECT_TRUE(port);
    return shell(
        fmt::format("{} driver -addr={} -keys=1000 -value-size={} -ttl-frac=0 -rate=100 -warmup=0 "
                    "-duration=100ms -out={} -metrics={}:{}",
                    redlineProgram(), redis->endpoint().text(), kValueSize,
                    (home.path() / out).string(), host, *port));
  };
  constexpr const char* kOpen = "everybody who reaches this machine may read them";
  for (const char* const host : {"0.0.0.0", "[::]"})
    EXPECT_THAT(notesWith(host, host), HasSubstr(kOpen)) << host;
  for (const char* const host : {"127.0.0.1", "[::1]", "localhost"})
    EXPECT_THAT(notesWith(host, host), testing::Not(HasSubstr(kOpen))) << host;
}

/// Clients that send one byte of a request every 100 ms, and connect again when they are dropped.
class SlowSenders {
 public:
  SlowSenders(std::uint16_t port, std::size_t count) : port_(port), all_(count) {
    for (auto& each : all_) each.emplace(port_);
    thread_ = std::thread([this] {
      while (!ended_) {
        for (auto& each : all_)
          if (!each->send("G")) each.emplace(port_);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
  }
  ~SlowSenders() {
    ended_ = true;
    thread_.join();
  }

 private:
  std::uint16_t port_;
  std::vector<std::optional<test::HttpConnection>> all_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

TEST(MetricsAlone, AreAnsweredInTimeBeside300SlowSendersWhoDoNotKeepTheDriver) {
  const auto redis = smallRedis();
  ASSERT_TRUE(redis);
  const TemporaryDirectory home;
  const auto port = freePort();
  ASSERT_TRUE(port);
  Child driver({redlineProgram(), "driver", "-addr=" + redis->endpoint().text(), "-keys=1000",
                fmt::format("-value-size={}", kValueSize), "-ttl-frac=0", "-rate=1000", "-warmup=0",
                "-duration=60s", fmt::format("-metrics=127.0.0.1:{}", *port),
                "-out=" + (home.path() / "run").string()},
               home.path(), "driver");
  ASSERT_TRUE(eventually([&] { return httpGet(*port, "/metrics").has_value(); }))
      << driver.output();
  const SlowSenders senders(*port, 300);
  for (int i = 0; i < 20; ++i) {
    const Nanos asked = SteadyClock::read();
    const auto reply = httpGet(*port, "/metrics");
    EXPECT_LT(SteadyClock::read() - asked, 100 * kMillisecond);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const Nanos signalled = SteadyClock::read();
  EXPECT_TRUE(driver.ends(SIGTERM)) << driver.output();
  EXPECT_LT(SteadyClock::read() - signalled, 2 * kSecond);
  EXPECT_TRUE(fs::exists(home.path() / "run" / "summary.json"));
}

TEST(Metrics, LingerWithoutMetricsIsWrongUsage) {
  for (const std::string command : {"driver", "lab run mset", "chaos -action=bgsave"}) {
    const std::string output = shell(redlineProgram() + " " + command + " -metrics-linger=5s");
    EXPECT_THAT(output, HasSubstr("-metrics-linger=5s")) << command;
    EXPECT_TRUE(output.ends_with("\nexit 2\n")) << output;
  }
}

}  // namespace
}  // namespace redline
