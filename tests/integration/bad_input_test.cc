// What a user gets to see when something is wrong: the real program as a child process, its exit
// code, its one line on standard error, and what it leaves behind.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "os/files.h"
#include "server/host.h"
#include "support/real_redis.h"
#include "support/redline_process.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using test::adminOf;
using test::BarePeer;
using test::eventually;
using test::Redline;
using test::startRedis;
using test::TemporaryDirectory;
using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

/// Runs it to its end: the exit code must be `code`; returns its error line.
std::string errorOf(int code, const Words& args, const Words& settings = {}) {
  const TemporaryDirectory home;
  Redline redline(home, args, settings);
  EXPECT_EQ(redline.wait(), code) << redline.err();
  // Nothing was measured: the error is all that it says.
  EXPECT_EQ(redline.out(), "");
  const std::string all = redline.err();
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1) << all;
  return redline.error();
}

/// Driver and loader alike.
void expectError(int code, const std::string& part, const Words& flags,
                 const Words& settings = {}) {
  for (const std::string command : {"driver", "loader"}) {
    Words args = flags;
    args.insert(args.begin(), command);
    EXPECT_THAT(errorOf(code, args, settings), HasSubstr(part)) << command;
  }
}

std::string addr(const Endpoint& endpoint) {
  return "-addr=" + endpoint.text();
}

nlohmann::json summaryIn(const fs::path& run) {
  return nlohmann::json::parse(readWholeFile(run / "summary.json").value_or("{}"), nullptr, false);
}

void expectConserved(const nlohmann::json& summary) {
  ASSERT_TRUE(summary.contains("rate")) << summary;
  const auto& rate = summary["rate"];
  const auto of = [&rate](const char* name) { return rate[name].get<std::uint64_t>(); };
  EXPECT_GT(of("scheduled"), 0U);
  EXPECT_EQ(of("scheduled"), of("completed") + of("failed") + of("outstanding"));
  std::uint64_t errors = 0;
  for (const auto& [kind, count] : rate["errors"].items()) errors += count.get<std::uint64_t>();
  EXPECT_EQ(errors, of("failed"));
}

std::uint64_t errorsOf(const nlohmann::json& summary, const char* kind) {
  return summary["rate"]["errors"].value(kind, std::uint64_t{0});
}

/// Every number that decides what is allocated, timed or divided by, at its limits.
const std::vector<std::string>& numbersAtTheirLimits() {
  static const std::vector<std::string> all{
      "-rate=0.001",       "-rate=0.1",       "-rate=1G",
      "-keys=1",           "-keys=1000G",     "-value-size=1",
      "-value-size=512MB", "-ttl-max=87600h", "-threads=4",
      "-interval=1ms",     "-interval=24h",   "-zipf-s=0",
      "-zipf-s=20",        "-warmup=8760h",   "-duration=1ms",
      "-duration=8760h",   "-drain=0s",       "-drain=8760h",
      "-conns=1",          "-pipeline=1",     "-pipeline=100k",
      "-batch-wait=8760h", "-op-timeout=1ns", "-op-timeout=8760h",
      "-wait-timeout=1h",  "-seed=0",         "-run-seed=18446744073709551615"};
  return all;
}

/// A redis-server, and a short run against it. Nothing is loaded: reads miss.
struct Server {
  TemporaryDirectory home;
  std::optional<ScopedStack> redis;
  fs::path run = home.path() / "run";

  explicit Server(NodeConfig config = {}) : redis(startRedis(std::move(config))) {}

  Words driver(const Words& more = {}) const {
    Words args{"driver",
               addr(redis->endpoint()),
               "-out=" + run.string(),
               "-rate=1k",
               "-keys=1k",
               "-conns=4",
               "-duration=1s",
               "-warmup=0s",
               "-ttl-frac=0",
               "-rw-ratio=0.5",
               "-interval=100ms",
               "-drain=1s"};
    // A flag may be given once: `more` takes the place of what is above.
    for (const std::string& flag : more)
      std::erase_if(args, [name = flag.substr(0, flag.find('=') + 1)](const std::string& arg) {
        return arg.rfind(name, 0) == 0;
      });
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  /// Ran, and is under load for a while: intervals have been written.
  bool underLoad() const {
    return eventually([this] {
      const auto rows = readWholeFile(run / "intervals.csv");
      return rows && std::count(rows->begin(), rows->end(), '\n') > 3;
    });
  }

  /// A run whose writes are all refused: it ends by itself, counts them, and says what they mean.
  void expectRefused(const char* kind, const std::string& advice) {
    Redline redline(home, driver());
    const int code = redline.wait();
    EXPECT_TRUE(code == 0 || code == 3) << code << redline.err();
    const auto summary = summaryIn(run);
    expectConserved(summary);
    EXPECT_GT(errorsOf(summary, kind), 300U) << summary["rate"];
    EXPECT_EQ(errorsOf(summary, kind), summary["rate"]["failed"]);
    EXPECT_THAT(summary["notes"].dump(), HasSubstr(std::string("failed with ") + kind));
    EXPECT_THAT(redline.out(), HasSubstr(advice));
  }
};

// ---- Servers that are none, or not ours ---------------------------------------------------------

TEST(BadInput, NothingListens) {
  expectError(1, "nothing listens on 127.0.0.1:1: start a server", {"-addr=127.0.0.1:1"});
}

TEST(BadInput, NoRedisAnswers) {
  const BarePeer peer("HTTP/1.1 400 Bad Request\r\n\r\n");
  expectError(1, "does not speak RESP", {addr(peer.endpoint())});
}

TEST(BadInput, NobodyAnswersAtAll) {
  const BarePeer peer("");
  EXPECT_THAT(errorOf(1, {"driver", addr(peer.endpoint())}),
              HasSubstr("gave no answer to a PING within"));
}

TEST(BadInput, WrongVersion) {
  const std::string info = "# Server\r\nredis_version:6.2.1\r\nredis_mode:standalone\r\n";
  const BarePeer peer("+PONG\r\n$" + std::to_string(info.size()) + "\r\n" + info + "\r\n");
  expectError(1, "6.2.1", {addr(peer.endpoint())});
  expectError(1, "-any-version", {addr(peer.endpoint())});
}

TEST(BadInput, AnAddressOfAnotherMachine) {
  expectError(1, "not on this machine", {"-addr=192.0.2.1:6380"});
}

TEST(BadInput, PasswordMissingOrWrong) {
  NodeConfig config;
  config.password = "right";
  const Server lab(config);
  if (!lab.redis) return;
  const Words flags{addr(lab.redis->endpoint())};
  expectError(1, "set REDLINE_PASSWORD", flags);
  expectError(1, "rejects the password", flags, {"REDLINE_PASSWORD=wrong"});
  EXPECT_THAT(errorOf(2, {"driver", "-password=right"}), HasSubstr("REDLINE_PASSWORD"));
}

// ---- Servers that refuse ------------------------------------------------------------------------

/// Makes a reload of 3000 keys take about three seconds, with clients served in between.
void slowReload(const Server& lab) {
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin);
  ASSERT_TRUE(admin->command({"DEBUG", "POPULATE", "3000", "other"}));
  ASSERT_TRUE(admin->configSet("key-load-delay", "1000"));
  ASSERT_TRUE(admin->configSet("loading-process-events-interval-bytes", "1024"));
}

/// Waits until a read is refused with an error of that code.
bool answersWith(Admin& admin, const std::string& code) {
  return eventually([&] {
    const auto reply = admin.commandRaw({"GET", "nothing"});
    return reply && reply->isError() && reply->text.starts_with(code);
  });
}

TEST(BadInput, LoadingAtTheStart) {
  const Server lab;
  if (!lab.redis) return;
  slowReload(lab);
  auto watch = adminOf(*lab.redis);
  ASSERT_TRUE(watch);
  std::thread reload([&lab] {
    if (auto admin = adminOf(*lab.redis))
      (void)admin->commandRaw({"DEBUG", "RELOAD"}, 20 * kSecond);
  });
  EXPECT_TRUE(answersWith(*watch, "LOADING"));
  expectError(1, "still loading its data into memory: try again later",
              {addr(lab.redis->endpoint())});
  reload.join();
}

TEST(BadInput, LoadingInTheMiddle) {
  const Server lab;
  if (!lab.redis) return;
  slowReload(lab);
  Redline redline(lab.home, lab.driver({"-duration=2s"}));
  EXPECT_TRUE(lab.underLoad());
  if (auto admin = adminOf(*lab.redis)) (void)admin->commandRaw({"DEBUG", "RELOAD"}, 20 * kSecond);
  const int code = redline.wait();
  EXPECT_TRUE(code == 0 || code == 3) << redline.err();
  const auto summary = summaryIn(lab.run);
  expectConserved(summary);
  EXPECT_GT(errorsOf(summary, "loading"), 100U) << summary["rate"];
  EXPECT_THAT(redline.out(), HasSubstr("reading its data into memory"));
}

TEST(BadInput, OutOfMemory) {
  NodeConfig config;
  config.policy = "volatile-lru";
  Server lab(config);
  if (!lab.redis) return;
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->configSet("maxmemory", "1mb"));
  lab.expectRefused("oom", "raise maxmemory");
}

TEST(BadInput, ReadOnly) {
  Server lab;
  if (!lab.redis) return;
  auto admin = adminOf(*lab.redis);
  ASSERT_TRUE(admin && admin->command({"REPLICAOF", "127.0.0.1", "1"}));
  lab.expectRefused("readonly", "name its master");
}

TEST(BadInput, Misconfigured) {
  Server lab;
  if (!lab.redis) return;
  auto admin = adminOf(*lab.redis);
  if (!admin) return;
  // A directory where the snapshot should go: its last step, the rename, fails.
  fs::create_directories(fs::path(lab.redis->node().config().dir) / "dump.rdb" / "in-the-way");
  EXPECT_TRUE(admin->configSet("save", "3600 1"));
  Redline redline(lab.home, lab.driver({"-duration=3s"}));
  EXPECT_TRUE(lab.underLoad());
  EXPECT_TRUE(admin->command({"BGSAVE"}));
  const int code = redline.wait();
  EXPECT_TRUE(code == 0 || code == 3) << code << redline.err();
  const auto summary = summaryIn(lab.run);
  expectConserved(summary);
  EXPECT_GT(errorsOf(summary, "misconf"), 0U);
  EXPECT_THAT(summary["notes"].dump(), HasSubstr("failed with misconf"));

  // At the start it is refused: the server answers not even PING then.
  EXPECT_THAT(errorOf(1, lab.driver({"-out=" + (lab.home.path() / "second").string()})),
              HasSubstr("MISCONF"));
}

TEST(BadInput, Busy) {
  const Server lab;
  if (!lab.redis) return;
  auto admin = adminOf(*lab.redis);
  if (!admin) return;
  EXPECT_TRUE(admin->configSet("busy-reply-threshold", "50"));
  Redline redline(lab.home, lab.driver({"-duration=2s"}));
  EXPECT_TRUE(lab.underLoad());
  std::thread script([&lab] {
    if (auto caller = adminOf(*lab.redis))
      (void)caller->commandRaw({"EVAL", "while true do end", "0"}, 20 * kSecond);
  });
  EXPECT_TRUE(answersWith(*admin, "BUSY"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // the first run finds it so, too
  // A second run finds it busy from the start.
  EXPECT_THAT(errorOf(1, {"driver", addr(lab.redis->endpoint())}), HasSubstr("SCRIPT KILL"));
  EXPECT_TRUE(admin->command({"SCRIPT", "KILL"}));
  script.join();
  const int code = redline.wait();
  EXPECT_TRUE(code == 0 || code == 3) << redline.err();
  const auto summary = summaryIn(lab.run);
  expectConserved(summary);
  EXPECT_GT(errorsOf(summary, "busy"), 100U) << summary["rate"];
  EXPECT_THAT(redline.out(), HasSubstr("SCRIPT KILL"));
}

TEST(BadInput, ServerKilledInTheMiddle) {
  Server lab;
  if (!lab.redis) return;
  Redline redline(lab.home, lab.driver());
  EXPECT_TRUE(lab.underLoad());
  EXPECT_TRUE(lab.redis->node().kill());
  EXPECT_EQ(redline.wait(), 3) << redline.err();  // it ran, and its figures are no answer
  const auto summary = summaryIn(lab.run);
  expectConserved(summary);
  EXPECT_FALSE(summary["valid"]);
}

TEST(BadInput, ServerKilledInTheMiddleWithStop) {
  Server lab;
  if (!lab.redis) return;
  Redline redline(lab.home, lab.driver({"-on-disconnect=stop", "-duration=20s"}));
  EXPECT_TRUE(lab.underLoad());
  EXPECT_TRUE(lab.redis->node().kill());
  EXPECT_EQ(redline.wait(), 1) << redline.err();
  EXPECT_THAT(redline.error(), HasSubstr("was lost"));
  expectConserved(summaryIn(lab.run));
}

// ---- Flags --------------------------------------------------------------------------------------

TEST(BadInput, UnknownFlagOnTheCommandLineInTheEnvironmentAndInAFile) {
  EXPECT_THAT(errorOf(2, {"driver", "-raet=1"}),
              HasSubstr("unknown flag -raet: did you mean -rate"));
  expectError(2, "REDLINE_RAET: did you mean REDLINE_RATE?", {}, {"REDLINE_RAET=5"});
  const TemporaryDirectory home;
  const fs::path file = home.path() / "lab.toml";
  ASSERT_TRUE(writeWholeFile(file, "keys = 10\n[driver]\nraet = 5\n"));
  expectError(2, file.string() + ":3: unknown flag raet: did you mean rate?",
              {"-config=" + file.string()});
}

TEST(BadInput, UnitTypos) {
  EXPECT_THAT(errorOf(2, {"driver", "-duration=10x"}), HasSubstr("'10x' is not a duration"));
  expectError(2, "-value-size: '4KX' is not a size", {"-value-size=4KX"});
  expectError(2, "-keys: '1Q' is not a count", {"-keys=1Q"});
  expectError(2, "'2' is not a share", {"-ttl-frac=2"});
}

TEST(BadInput, FlagsThatContradictEachOther) {
  const auto driver = [](const Words& flags) {
    Words args = flags;
    args.insert(args.begin(), "driver");
    return errorOf(2, args);
  };
  EXPECT_THAT(driver({"-threads=60"}), HasSubstr("-conns=50"));
  EXPECT_THAT(driver({"-rate=max", "-arrivals=poisson"}), HasSubstr("needs a rate"));
  EXPECT_THAT(driver({"-rate=max", "-wait=realtime"}), HasSubstr("needs a rate"));
  EXPECT_THAT(driver({"-rate=max", "-batch-wait=1ms"}), HasSubstr("does not apply"));
  EXPECT_THAT(driver({"-topology=node", "-addr=127.0.0.1:1,127.0.0.1:2"}),
              HasSubstr("names 2 servers"));
  expectError(2, "-ttl-min=2h is longer than -ttl-max=1h", {"-ttl-min=2h"});
}

TEST(BadInput, NumbersBeyondAnySense) {
  expectError(2, "at most 10k", {"-conns=1M"});
  expectError(2, "at most 256", {"-threads=500", "-conns=500"});
  expectError(2, "at most 512MB", {"-value-size=600MB"});
  EXPECT_THAT(errorOf(2, {"driver", "-pipeline=1G"}), HasSubstr("at most"));
}

// ---- Output -------------------------------------------------------------------------------------

TEST(BadInput, RunDirectoryThatCannotBe) {
  const Server lab;
  if (!lab.redis) return;
  const fs::path file = lab.home.path() / "file";
  ASSERT_TRUE(writeWholeFile(file, "x"));
  const std::string to = addr(lab.redis->endpoint());
  // Tests may run as root, to whom no directory is read-only: below a file, and in /proc.
  for (const std::string& out : {file.string() + "/run", std::string("/proc/redline/run")})
    EXPECT_THAT(errorOf(1, {"loader", to, "-keys=10", "-out=" + out}),
                HasSubstr("cannot create the directory " + out));
  Redline redline(lab.home, {"driver", to, "-rw-ratio=0", "-out=" + file.string() + "/run"});
  EXPECT_EQ(redline.wait(), 1);
  EXPECT_THAT(redline.error(), HasSubstr("cannot create the directory"));
}

TEST(BadInput, RunDirectoryThatHoldsARun) {
  Server lab;
  if (!lab.redis) return;
  fs::create_directory(lab.run);
  ASSERT_TRUE(writeWholeFile(lab.run / "summary.json", "precious"));
  EXPECT_THAT(errorOf(2, lab.driver({"-rw-ratio=0"})), HasSubstr("is not empty"));
  EXPECT_EQ(readWholeFile(lab.run / "summary.json").value(), "precious");
}

TEST(BadInput, SummaryIntoAMissingDirectoryIsRefusedBeforeTheLoad) {
  expectError(1, "-json=/nowhere/s.json: there is no directory /nowhere",
              {"-addr=127.0.0.1:1", "-json=/nowhere/s.json"});
}

TEST(BadInput, DiskThatFills) {
  const Server lab;
  if (!lab.redis) return;
  const fs::path disk = lab.home.path() / "disk";
  fs::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "may not mount a small disk";
  {
    Redline redline(lab.home, lab.driver({"-out=" + (disk / "run").string(), "-interval=10ms"}));
    EXPECT_EQ(redline.wait(), 1) << redline.err();
    EXPECT_THAT(redline.error(), HasSubstr("cannot write " + (disk / "run").string()));
    EXPECT_THAT(redline.error(), HasSubstr("No space left on device; free some space"));
    EXPECT_THAT(redline.out(), HasSubstr("1000 scheduled"));  // it went on to the end
    const auto rows = readWholeFile(disk / "run" / "intervals.csv");
    ASSERT_TRUE(rows);
    EXPECT_GT(rows->size(), 1000U);
    EXPECT_EQ(rows->back(), '\n');  // whole rows only
  }
  EXPECT_EQ(::umount2(disk.c_str(), MNT_DETACH), 0);
}

// ---- Stack, signals, host -----------------------------------------------------------------------

TEST(BadInput, PortInUse) {
  const Server lab;
  if (!lab.redis) return;
  const std::string port = std::to_string(lab.redis->endpoint().port);
  const TemporaryDirectory home;
  EXPECT_THAT(errorOf(1, {"stack", "up", "node", "-name=second", "-port=" + port},
                      {"REDLINE_HOME=" + home.path().string()}),
              AllOf(HasSubstr(port), HasSubstr("redis-server (pid")));
}

TEST(BadInputAlone, AMachineThatSpoilsNumbersIsToldOfWhenAStackComesUp) {
  const TemporaryDirectory home;
  const Words settings{"REDLINE_HOME=" + home.path().string()};
  // Somebody else works on every core.
  std::atomic<bool> over{false};
  std::vector<std::thread> others;
  for (const unsigned cpu : allowedCpus())
    others.emplace_back([&over, cpu] {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      ::sched_setaffinity(0, sizeof one, &one);
      while (!over) {
      }
    });
  Redline up(home, {"stack", "up", "node", "-port=0"}, settings);
  EXPECT_EQ(up.wait(), 0) << up.err();
  over = true;
  for (std::thread& other : others) other.join();
  for (const unsigned cpu : allowedCpus())
    EXPECT_THAT(up.err(), HasSubstr("core " + std::to_string(cpu) + " is already "));
  EXPECT_THAT(up.err(), HasSubstr("lower ceilings, longer tails (to change it: "));
  // And of all else that this machine has, with what it does to the numbers.
  HostFacts facts = readHost(0);
  facts.memoryAvailable = facts.memoryTotal;  // may change in between
  facts.swapFree = facts.swapTotal;
  for (const Warning& warning : hostWarnings(facts))
    EXPECT_THAT(up.err(), HasSubstr(warning.effect + " (to change it: " + warning.fix));
  Redline down(home, {"stack", "down", "node"}, settings);
  EXPECT_EQ(down.wait(), 0) << down.err();
}

TEST(BadInput, InterruptedInTheMiddle) {
  const Server lab;
  if (!lab.redis) return;
  Redline redline(lab.home, lab.driver({"-duration=20s"}));
  EXPECT_TRUE(lab.underLoad());
  redline.interrupt();
  const int code = redline.wait();
  EXPECT_TRUE(code == 0 || code == 3) << code;
  const auto summary = summaryIn(lab.run);
  expectConserved(summary);
  EXPECT_EQ(summary["rate"]["failed"], 0);
  EXPECT_THAT(redline.err(), Not(HasSubstr("redline driver:")));
}

TEST(BadInput, NoNumberThatAFlagAcceptsEndsAnythingButCleanly) {
  const Server server;
  ASSERT_TRUE(server.redis);
  int number = 0;
  for (const std::string& flag : numbersAtTheirLimits()) {
    const TemporaryDirectory home;
    Words more{flag, "-out=" + (home.path() / "run").string(), "-rw-ratio=1", "-dist=zipfian"};
    if (flag == "-wait-timeout=1h") more.emplace_back("-wait-replicas=0");
    if (flag != "-duration=1ms" && flag != "-duration=8760h") more.emplace_back("-duration=200ms");
    if (flag.starts_with("-batch-wait")) more.emplace_back("-pipeline=2");
    Redline redline(home, server.driver(more));
    // What would take a year is interrupted.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    redline.interrupt();
    const int code = redline.wait();
    EXPECT_THAT(code, testing::AnyOf(0, 1, 2, 3)) << flag << ": " << redline.err();
    if (code == 1 || code == 2) {
      EXPECT_NE(redline.error(), "");
    }
    ++number;
  }
  EXPECT_GT(number, 20);
}

TEST(BadInput, NumbersBeyondTheirLimitsAreRefused) {
  expectError(2, "at most", {"-keys=18446744073709551615"});
  for (const std::string flag : {"-rate=18446744073709551615", "-rate=2G", "-zipf-s=1e300",
                                 "-duration=9000h", "-max-backlog=1G", "-interval=9000h"})
    EXPECT_THAT(errorOf(2, {"driver", flag}), HasSubstr("at most")) << flag;
  for (const std::string flag : {"-rate=0", "-rate=0.0001", "-duration=1us", "-interval=1us"})
    EXPECT_THAT(errorOf(2, {"driver", flag}), HasSubstr("too small")) << flag;
}

// 10,000 connections with batches of 100,000: it is refused, not killed.
TEST(BadInput, MemoryThatTheMachineHasNotIsRefusedWithTheArithmetic) {
  const Server server;
  ASSERT_TRUE(server.redis);
  EXPECT_THAT(errorOf(1, server.driver({"-conns=10k", "-pipeline=100k"})), HasSubstr("available"));
}

// The times of an hour's sends at any rate: the file grows, the process does not.
TEST(BadInput, SendsOfALongRunAtAnyRateTakeNoMemory) {
  const Server server;
  ASSERT_TRUE(server.redis);
  const TemporaryDirectory home;
  const fs::path sends = home.path() / "sends";
  Redline redline(home, server.driver({"-rate=max", "-duration=1h", "-pipeline=16", "-rw-ratio=1",
                                       "-sends=" + sends.string()}));
  EXPECT_TRUE(eventually([&] {
    std::error_code problem;
    return fs::file_size(sends.native() + ".part0", problem) > 0 && !problem;
  }));
  redline.interrupt();
  EXPECT_THAT(redline.wait(), testing::AnyOf(0, 3)) << redline.err();
  const auto summary = summaryIn(server.run);
  expectConserved(summary);
  EXPECT_EQ(fs::file_size(sends) / sizeof(std::int64_t),
            summary["rate"]["sent"].get<std::uint64_t>());
}

// The keys that are looked at before a run are not read whole: under a tight maxmemory the replies
// would push out the very keys.
TEST(BadInput, LookingAtLargeValuesBeforeARunEvictsNone) {
  NodeConfig config;
  config.maxmemory = 100 << 20;
  const Server server(config);
  ASSERT_TRUE(server.redis);
  auto admin = adminOf(*server.redis);
  const TemporaryDirectory home;
  Redline loader(home, {"loader", addr(server.redis->endpoint()), "-keys=60", "-value-size=1MB",
                        "-ttl-frac=0", "-conns=1", "-force"});
  ASSERT_EQ(loader.wait(), 0) << loader.err();
  const auto before = admin->info({"stats"});
  Redline driver(home, server.driver({"-keys=60", "-value-size=1MB", "-rate=1", "-conns=1",
                                      "-rw-ratio=1", "-duration=100ms"}));
  EXPECT_THAT(driver.wait(), testing::AnyOf(0, 3)) << driver.err();
  const auto after = admin->info({"stats"});
  ASSERT_TRUE(before && after);
  EXPECT_EQ(after->count("evicted_keys"), before->count("evicted_keys"));
  EXPECT_LT(after->count("total_net_output_bytes") - before->count("total_net_output_bytes"),
            8ULL << 20);
}

}  // namespace
}  // namespace redline
