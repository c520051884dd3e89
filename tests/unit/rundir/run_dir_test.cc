#include "rundir/run_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <ctime>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "record/latency_figures.h"
#include "rundir/csv.h"
#include "rundir/run_dir_reader.h"
#include "rundir/summary_json.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr Nanos kZero = 5'000 * kSecond + 123'456'789;  // some reading of CLOCK_MONOTONIC

Plan plan() {
  Plan plan;
  plan.redlineVersion = "0.1.0";
  plan.command = {"redline", "driver"};
  plan.config = {{"rate", "10000"}, {"dist", "uniform"}};
  plan.environment = {"7.0.15", "6.1.0", "A CPU", 2, 8'000'000'000};
  plan.wallZero = 1'700'000'000'123'456'789;
  plan.clockZero = kZero;
  return plan;
}

Interval interval(int number, bool warmup = false) {
  Rng rng(static_cast<std::uint64_t>(number));
  Interval interval;
  interval.reset(kZero + number * kSecond, kZero + (number + 1) * kSecond);
  interval.warmup = warmup;
  interval.drain = number == 2;
  if (interval.drain) interval.unfinished[0].record(kSecond, 3);
  for (auto& kinds : interval.latency)
    for (auto& histogram : kinds)
      for (int i = 0; i < 500; ++i) histogram.record(static_cast<Nanos>(rng.below(5'000'000)));
  interval.failed.record(9 * kMillisecond);
  Counters& counts = interval.counts;
  counts.sent = {500, 501};
  counts.completed = {498, 499};
  counts.failed = {1, 2};
  for (std::size_t i = 0; i < kFailures; ++i) counts.failures[i] = 1000 + i;
  for (std::size_t i = 0; i < kMitigationCounts; ++i) counts.mitigation[i] = 2000 + i;
  for (std::size_t i = 0; i < kBackingCounts; ++i) counts.backing[i] = 3000 + i;
  counts.storeWaiting = 5;
  counts.storeQueue = 4;
  interval.storeLatency().read.record(3 * kMillisecond, 2);
  interval.storeLatency().write.record(4 * kMillisecond);
  interval.storeLatency().service.record(2 * kMillisecond, 3);
  interval.storeLatency().staleRefillAge.record(80 * kMillisecond);
  interval.staleness.record(7 * kMillisecond);
  interval.invalidationLag.record(70 * kMicrosecond);
  std::uint64_t next = 7;
  for (auto* field :
       {&counts.scheduled, &counts.outstandingAtEnd, &counts.carriedOver, &counts.hits,
        &counts.misses, &counts.checked, &counts.corrupt, &counts.batches, &counts.retried,
        &counts.reconnects, &counts.bytesSent, &counts.bytesReceived, &counts.passes,
        &counts.idlePasses, &counts.outstanding, &counts.backlog, &counts.refusedConnections,
        &counts.unansweredAtEnd, &counts.unservedAtEnd})
    *field = next++;
  counts.idleTime = 1'234'567;
  counts.longestPass = 98'765;
  counts.cpuUser = 400 * kMillisecond + 1;
  counts.cpuSystem = 300 * kMillisecond + 2;
  counts.cpuWaiting = 20 * kMillisecond + 3;
  return interval;
}

ServerSample sample() {
  ServerSample sample;
  sample.at = kZero + kSecond / 4;
  sample.addr = "127.0.0.1:7600";
  sample.role = "master";
  sample.info = {{"used_memory", "17400000000"},
                 {"mem_fragmentation_ratio", "1.02"},
                 {"rdb_last_bgsave_status", "ok"},
                 {"cmdstat_get", "calls=12,usec=34,usec_per_call=2.83,rejected_calls=0"},
                 {"db0", "keys=100,expires=30,avg_ttl=5"},
                 {"executable", "/usr/bin/redis-server"}};
  return sample;
}

Event event() {
  return {kZero + 5 * kSecond,
          "fault",
          "bgsave",
          "begin",
          "127.0.0.1:7600",
          "a \"quoted\"\nbinary \xff key",
          308 * kMicrosecond,
          {{"fork_us", 308.5}, {"keys", 3}}};
}

Summary summary() {
  Summary summary;
  summary.command = {"redline"};
  summary.rate.completed = 42;
  return summary;
}

class RunDirTest : public ::testing::Test {
 protected:
  RunDirWriter writer() {
    auto created = RunDirWriter::create(path());
    EXPECT_TRUE(created) << created.error().message;
    return std::move(*created);
  }

  /// A whole run: one interval of warm-up and two measured.
  void writeRun() {
    RunDirWriter run = writer();
    ASSERT_TRUE(run.writePlan(plan()));
    for (int number = 0; number < 3; ++number)
      ASSERT_TRUE(run.appendInterval(interval(number, number == 0)));
    ASSERT_TRUE(run.appendServerSample(sample()));
    ASSERT_TRUE(run.appendEvent(event()));
    ASSERT_TRUE(run.writeSummary(summary()));
  }

  void writeAgain() {
    std::filesystem::remove_all(path());
    writeRun();
  }

  RunDir read() {
    auto run = readRunDir(path());
    EXPECT_TRUE(run) << run.error().message;
    return run ? std::move(*run) : RunDir{};
  }

  std::string failureAfterReplacing(std::string_view file, const std::string& from,
                                    const std::string& to) {
    std::string text = contents(path() / file);
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(path() / file, std::ios::binary) << text;
    const auto run = readRunDir(path());
    return run ? "it was read" : run.error().message;
  }

  std::filesystem::path path() const { return directory_.path() / "runs/first"; }
  TemporaryDirectory directory_;
};

TEST_F(RunDirTest, ReadsBackThePlan) {
  writeRun();
  const RunDir run = read();
  EXPECT_THAT(run.warnings, IsEmpty());
  ASSERT_TRUE(run.plan);
  EXPECT_EQ(run.plan->redlineVersion, "0.1.0");
  EXPECT_EQ(run.plan->command, plan().command);
  EXPECT_EQ(run.plan->config, plan().config);
  EXPECT_EQ(run.plan->environment.memoryBytes, 8'000'000'000U);
  EXPECT_EQ(run.plan->wallZero, plan().wallZero);
  EXPECT_EQ(run.plan->clockZero, kZero);
  EXPECT_THAT(contents(path() / "plan.json"),
              HasSubstr("\"utc\": \"2023-11-14T22:13:20.123456789Z\""));
}

void expectSame(const LatencyFigures& read, const Histogram& written) {
  const LatencyFigures figures = figuresOf(written);
  EXPECT_EQ(read.count, figures.count);
  EXPECT_NEAR(read.mean, figures.mean, 0.0005);
  for (const auto& percentile : kReportedPercentiles)
    EXPECT_NEAR(read.*percentile.figure, figures.*percentile.figure, 1e-9) << percentile.name;
  EXPECT_NEAR(read.max, figures.max, 1e-9);
}

TEST_F(RunDirTest, ReadsBackTheIntervals) {
  writeRun();
  const RunDir run = read();
  ASSERT_EQ(run.intervals.size(), 3U);
  for (int number = 0; number < 3; ++number) {
    const Interval written = interval(number);
    const IntervalRow& row = run.intervals[static_cast<std::size_t>(number)];
    EXPECT_EQ(row.start, number * kSecond) << "times count from the run's zero";
    EXPECT_EQ(row.end, (number + 1) * kSecond);
    EXPECT_EQ(row.warmup, number == 0);
    EXPECT_EQ(row.drain, number == 2);
    EXPECT_EQ(std::memcmp(&row.counts, &written.counts, sizeof(Counters)), 0)
        << "a counter is missing in the table";
    for (const OpKind kind : {OpKind::get, OpKind::set}) {
      EXPECT_EQ(row.of(kind).sent, written.counts.sent[index(kind)]);
      for (std::size_t measure = 0; measure < kMeasures; ++measure)
        expectSame(row.of(kind).latency[measure], written.latency[measure][index(kind)]);
    }
    expectSame(row.failedResponse, written.failed);
    expectSame(row.staleness, written.staleness);
    expectSame(row.invalidationLag, written.invalidationLag);
    expectSame(row.storeRead, written.store->read);
    expectSame(row.storeWrite, written.store->write);
    expectSame(row.storeService, written.store->service);
    expectSame(row.staleRefillAge, written.store->staleRefillAge);
  }
}

TEST_F(RunDirTest, EveryColumnOfTheIntervalsAddsUpToTheTruth) {
  writeRun();
  std::vector<std::string> warnings;
  const auto table = CsvTable::parse(contents(path() / "intervals.csv"), "i", warnings);
  ASSERT_TRUE(table);
  const auto total = [&](std::string_view column) {
    double sum = 0;
    for (std::size_t row = 0; row < table->rows(); ++row) {
      double value = 0;
      CsvRow(*table, row).read(column, value);
      sum += value;
    }
    return sum;
  };
  EXPECT_EQ(table->rows(), 6U) << "one row for each interval and kind";
  EXPECT_EQ(total("sent"), 3 * 1001);
  EXPECT_EQ(total("hits"), 30);
  EXPECT_EQ(total("errors_timeout"), 3 * (1000 + static_cast<int>(index(Failure::timeout))));
  EXPECT_NEAR(total("cpu_user_s"), 1.2, 1e-6);
}

TEST_F(RunDirTest, AnIntervalWithoutRecordsHasNoLatencyRatherThanZero) {
  RunDirWriter run = writer();
  ASSERT_TRUE(run.writePlan(plan()));
  Interval empty;
  empty.reset(kZero, kZero + kSecond);
  ASSERT_TRUE(run.appendInterval(empty));
  std::vector<std::string> warnings;
  const auto table = CsvTable::parse(contents(path() / "intervals.csv"), "i", warnings);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->cell(0, "response_count"), "0");
  EXPECT_EQ(table->cell(0, "response_p99_us"), "");
  EXPECT_EQ(table->cell(0, "start_s"), "0.000000000");
}

TEST_F(RunDirTest, TheLogHoldsGetsAndSetsTogetherAndWarmupApart) {
  writeRun();
  const RunDir run = read();
  EXPECT_EQ(run.latency.lines.size(), 28U);
  for (std::size_t measure = 0; measure < kMeasures; ++measure) {
    Histogram measured;
    for (int number = 1; number < 3; ++number) {
      const Interval written = interval(number);
      for (const auto& histogram : written.latency[measure]) measured.add(histogram);
    }
    const Histogram& logged = run.latency.merged.at(std::string(kMeasureNames[measure]));
    EXPECT_EQ(logged.count(), 2000U);
    for (const double q : {0.01, 0.5, 0.99, 0.999, 1.0})
      EXPECT_EQ(logged.quantile(q), measured.quantile(q));
  }
  EXPECT_EQ(run.latency.merged.at("warmup-response").count(), 1000U);
  EXPECT_EQ(run.latency.merged.at("failed").count(), 2U);
  EXPECT_EQ(run.latency.merged.at("unfinished").count(), 3U);
  EXPECT_EQ(run.latency.merged.at("store-read").count(), 4U);
  EXPECT_EQ(run.latency.merged.at("warmup-store-service").count(), 3U);
  EXPECT_EQ(run.latency.lines[9].start, kSecond);
}

TEST_F(RunDirTest, ReadsBackServerSamples) {
  writeRun();
  const RunDir run = read();
  ASSERT_EQ(run.servers.size(), 1U);
  const ServerSample& read = run.servers[0];
  EXPECT_EQ(read.at, kSecond / 4);
  EXPECT_EQ(read.addr, "127.0.0.1:7600");
  EXPECT_EQ(read.role, "master");
  EXPECT_EQ(read.number("used_memory"), 17'400'000'000.0);
  EXPECT_EQ(read.number("mem_fragmentation_ratio"), 1.02);
  EXPECT_EQ(read.info.at("rdb_last_bgsave_status"), "ok");
  EXPECT_EQ(read.number("cmdstat_get.calls"), 12);
  EXPECT_EQ(read.number("cmdstat_get.usec"), 34);
  EXPECT_EQ(read.number("db0.expires"), 30);
  EXPECT_EQ(read.number("evicted_keys", -1), -1) << "what INFO lacks is absent, not zero";
}

TEST_F(RunDirTest, ServersCsvHasTheFieldsOfTheContract) {
  writeRun();
  const std::string text = contents(path() / "servers.csv");
  const auto columns = splitCsv(text.substr(0, text.find('\n')));
  for (const auto* column : {"at_s",
                             "addr",
                             "role",
                             "instantaneous_ops_per_sec",
                             "keyspace_hits",
                             "keyspace_misses",
                             "evicted_keys",
                             "expired_keys",
                             "used_memory",
                             "used_memory_rss",
                             "maxmemory",
                             "mem_fragmentation_ratio",
                             "latest_fork_usec",
                             "rdb_last_bgsave_status",
                             "aof_last_write_status",
                             "aof_delayed_fsync",
                             "used_cpu_user_main_thread",
                             "used_cpu_sys_main_thread",
                             "used_cpu_user",
                             "used_cpu_sys",
                             "total_reads_processed",
                             "total_writes_processed",
                             "total_commands_processed",
                             "connected_clients",
                             "mem_clients_normal",
                             "current_cow_peak",
                             "rdb_bgsave_in_progress",
                             "aof_rewrite_in_progress",
                             "current_cow_size",
                             "master_repl_offset"})
    EXPECT_THAT(columns, Contains(column));
}

TEST_F(RunDirTest, ReadsBackEventsWithStrangeBytesMadeReadable) {
  writeRun();
  const RunDir run = read();
  ASSERT_EQ(run.events.size(), 1U);
  const Event& read = run.events[0];
  EXPECT_EQ(read.at, 5 * kSecond);
  EXPECT_EQ(read.kind, "fault");
  EXPECT_EQ(read.name, "bgsave");
  EXPECT_EQ(read.phase, "begin");
  EXPECT_EQ(read.node, "127.0.0.1:7600");
  EXPECT_EQ(read.detail, "a \"quoted\"\nbinary \xef\xbf\xbd key");
  EXPECT_EQ(read.duration, 308 * kMicrosecond);
  EXPECT_EQ(read.figures, event().figures);
}

TEST_F(RunDirTest, ReadsBackTheSummary) {
  writeRun();
  const RunDir run = read();
  ASSERT_TRUE(run.summary);
  EXPECT_EQ(run.summary->rate.completed, 42U);
}

TEST_F(RunDirTest, ARunThatCrashedIsReadUpToTheCrash) {
  {
    RunDirWriter run = writer();
    ASSERT_TRUE(run.writePlan(plan()));
    ASSERT_TRUE(run.appendInterval(interval(0)));
    // No summary, and nobody closes anything: what was appended must be there already.
    const RunDir seen = read();
    EXPECT_EQ(seen.intervals.size(), 1U);
    EXPECT_EQ(seen.latency.merged.at("response").count(), 1000U);
    EXPECT_FALSE(seen.summary);
    EXPECT_THAT(seen.warnings, ElementsAre((path() / "summary.json").string() + " is missing"));
  }
}

TEST_F(RunDirTest, AFileCutAnywhereIsReadUpToTheCut) {
  writeRun();
  for (const auto* file : {"intervals.csv", "latency.hlog", "servers.csv", "events.jsonl",
                           "plan.json", "summary.json"}) {
    const std::string whole = contents(path() / file);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 40);
    for (std::size_t size = 0; size + 1 < whole.size(); size += step) {
      std::ofstream(path() / file, std::ios::binary) << whole.substr(0, size);
      const auto run = readRunDir(path());
      ASSERT_TRUE(run) << file << " cut at " << size << ": " << run.error().message;
      const bool atALinesEnd = size == 0 || whole[size - 1] == '\n';
      if (!atALinesEnd) {
        ASSERT_THAT(run->warnings, Contains(HasSubstr(file))) << size;
      }
    }
    std::ofstream(path() / file, std::ios::binary) << whole;
  }
  EXPECT_THAT(read().warnings, IsEmpty());
}

TEST_F(RunDirTest, AnIntervalOfWhichOneLineSurvivedIsLeftOut) {
  writeRun();
  std::string text = contents(path() / "intervals.csv");
  text.resize(text.rfind('\n', text.size() - 2) + 1);
  std::ofstream(path() / "intervals.csv", std::ios::binary) << text;
  const RunDir run = read();
  EXPECT_EQ(run.intervals.size(), 2U);
  EXPECT_THAT(run.warnings, ElementsAre(HasSubstr("intervals.csv:6: the last interval")));
}

TEST_F(RunDirTest, NamesFileAndLineOfWhatIsMalformed) {
  writeRun();
  const std::string at = path().string() + "/";
  EXPECT_THAT(failureAfterReplacing("intervals.csv", "get,1,0,500", "get,1,0,5oo"),
              StartsWith(at + "intervals.csv:2: sent is not a number in range: \"5oo\""));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("intervals.csv", ",set,", ",del,"),
              StartsWith(at + "intervals.csv:3: kind is \"del\""));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("intervals.csv", "start_s", "begin_s"),
              StartsWith(at + "intervals.csv:1: there is no column start_s"));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("servers.csv", "0.25", "nan0.25"),
              StartsWith(at + "servers.csv:2: at_s"));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("events.jsonl", "\"at_s\":5.0", "\"at_s\":x"),
              StartsWith(at + "events.jsonl:1: not JSON"));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("latency.hlog", ",HIST", ",LIST"),
              StartsWith(at + "latency.hlog:6: not a histogram of ours"));
  writeAgain();
  EXPECT_THAT(failureAfterReplacing("plan.json", "\"schema\": 1", "\"schema\": 9"),
              StartsWith(at + "plan.json: schema 9"));
}

TEST_F(RunDirTest, ReadsTablesByColumnNameWhateverWasAdded) {
  writeRun();
  std::string text = contents(path() / "servers.csv");
  text.insert(text.find('\n'), ",new");
  text.insert(text.size() - 1, ",\"a, b\"");
  std::ofstream(path() / "servers.csv", std::ios::binary) << text;
  EXPECT_EQ(read().servers.at(0).info.at("new"), "a, b");
}

TEST_F(RunDirTest, ADirectoryOfSomethingElseIsNoRun) {
  EXPECT_THAT(readRunDir(directory_.path()).error().message, HasSubstr("is not a run directory"));
  EXPECT_THAT(readRunDir(directory_.path() / "absent").error().message,
              HasSubstr("is not a directory"));
}

TEST_F(RunDirTest, ASecondRunIsNotMixedIntoTheFirst) {
  writeRun();
  const auto again = RunDirWriter::create(path());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::usage);
  EXPECT_THAT(again.error().message, HasSubstr(path().string() + " is not empty"));
  EXPECT_EQ(read().intervals.size(), 3U);
}

// What was measured is not lost with the connections that a run could not open again.
TEST_F(RunDirTest, ASummaryIsWrittenWhenNoMoreFilesCanBeOpened) {
  RunDirWriter run = writer();
  ASSERT_TRUE(run.writePlan(plan()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const Status slots = run.writeSlots({});
  const Status written = run.writeSummary(summary());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(slots);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(readWholeFile(path() / kSummaryFile).value(), summaryToJson(summary()));
}

TEST_F(RunDirTest, ASecondWriterTouchesNothingOfTheFirst) {
  RunDirWriter first = writer();
  const auto second = RunDirWriter::create(path());  // before anything is in it
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::usage);
  EXPECT_THAT(second.error().message, HasSubstr(path().string() + " is in use"));
  ASSERT_TRUE(first.writePlan(plan()));
  EXPECT_THAT(RunDirWriter::create(path()).error().message, HasSubstr("is in use"));
  EXPECT_TRUE(first.writeSummary(summary()));
}

TEST_F(RunDirTest, NewDirectoriesOfOneSecondAreDistinct) {
  constexpr std::time_t kNow = 1'795'477'500;
  const auto name = [](const auto& created) {
    return created ? created->filename().string() : created.error().message;
  };
  EXPECT_EQ(name(createRunDirectory("driver", kNow, path())), "20261123T234500Z-driver");
  EXPECT_EQ(name(createRunDirectory("driver", kNow, path())), "20261123T234500Z-driver-2");
  EXPECT_EQ(name(createRunDirectory("lab", kNow, path())), "20261123T234500Z-lab");
  std::mutex mutex;
  std::set<std::string> names;
  std::vector<std::thread> others;
  for (int i = 0; i < 8; ++i)
    others.emplace_back([&] {
      for (int k = 0; k < 10; ++k) {
        const auto created = createRunDirectory("driver", kNow, path());
        const std::lock_guard lock(mutex);
        names.insert(name(created));
      }
    });
  for (std::thread& other : others) other.join();
  EXPECT_EQ(names.size(), 80U);
  std::ofstream(directory_.path() / "file") << "x";
  EXPECT_FALSE(createRunDirectory("driver", kNow, directory_.path() / "file"));
}

TEST_F(RunDirTest, NothingIsAppendedBeforeThePlan) {
  RunDirWriter run = writer();
  const Status status = run.appendEvent(event());
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("before its plan.json"));
}

TEST_F(RunDirTest, NodesHaveDirectoriesOfTheirOwn) {
  const RunDirWriter run = writer();
  const auto node = run.serverDirectory("7600");
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(*node, run.file("servers") / "7600");
  EXPECT_TRUE(std::filesystem::is_directory(*node));
  for (const auto* wrong : {"", "..", "a/b", ".hidden"}) EXPECT_FALSE(run.serverDirectory(wrong));
}

TEST_F(RunDirTest, AppendsFromSeveralThreadsKeepTheirLinesWhole) {
  RunDirWriter run = writer();
  ASSERT_TRUE(run.writePlan(plan()));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&run] {
      for (int n = 0; n < 200; ++n) {
        EXPECT_TRUE(run.appendEvent(event()));
        EXPECT_TRUE(run.appendServerSample(sample()));
      }
    });
  for (auto& thread : threads) thread.join();
  const RunDir seen = read();
  EXPECT_EQ(seen.events.size(), 800U);
  EXPECT_EQ(seen.servers.size(), 800U);
}

}  // namespace
}  // namespace redline
