#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/text.h"
#include "lab/big_key_remediation.h"
#include "lab/stall_watch.h"
#include "server/host.h"

namespace redline::lab::big_key_remediation {
namespace {

constexpr Nanos kReadPause = 2 * kMillisecond;  ///< between two reads beside the load

BucketedHash hashOf(const Parameters& p, const Layout& layout) {
  return {.name = "big:hash:" + layout.label,
          .fields = p.count("fields"),
          .fieldSize = p.size("field-size"),
          .buckets = layout.buckets};
}

std::vector<int> generatorCpus(const Bench& bench) {
  std::vector<unsigned> given;
  if (const auto cpus = parseCpuList(bench.cpus().generator)) given = *cpus;
  return {given.begin(), given.end()};
}

/// How a command's calls and time grew.
class CallMeter {
 public:
  static Result<CallMeter> begin(Admin& admin, std::string command) {
    CallMeter meter(std::move(command));
    const auto now = meter.read(admin);
    if (!now) return fail(now.error());
    meter.before_ = *now;
    return meter;
  }
  struct Grown {
    double calls = 0, us = 0, mainThreadUs = 0;
  };
  Result<Grown> grown(Admin& admin) const {
    const auto now = read(admin);
    if (!now) return fail(now.error());
    return Grown{now->calls - before_.calls, now->us - before_.us,
                 now->mainThreadUs - before_.mainThreadUs};
  }

 private:
  explicit CallMeter(std::string command) : command_(std::move(command)) {}
  Result<Grown> read(Admin& admin) const {
    const auto info = admin.info({"cpu", "commandstats"});
    if (!info) return fail(info.error());
    Grown now{.mainThreadUs = 1e6 * (info->number("used_cpu_sys_main_thread") +
                                     info->number("used_cpu_user_main_thread"))};
    if (const auto found = info->commandStats.find(command_); found != info->commandStats.end()) {
      now.calls = static_cast<double>(found->second.calls);
      now.us = found->second.usec;
    }
    return now;
  }

  std::string command_;
  Grown before_;
};

/// Memory of all its keys, how they are encoded, and the largest of them.
Status noteSizes(const BucketedHash& hash, Admin& admin, Bench& bench) {
  constexpr std::uint64_t kAtATime = 256;
  double memory = 0, listpacks = 0, largest = 0;
  for (std::uint64_t from = 0; from < hash.keys(); from += kAtATime) {
    std::vector<std::vector<std::string>> questions;
    for (std::uint64_t i = from; i < std::min(hash.keys(), from + kAtATime); ++i) {
      questions.push_back({"MEMORY", "USAGE", hash.key(i), "SAMPLES", "0"});
      questions.push_back({"OBJECT", "ENCODING", hash.key(i)});
      questions.push_back({"HLEN", hash.key(i)});
    }
    const auto answers = admin.pipeline(questions, 60 * kSecond);
    if (!answers) return fail(answers.error());
    for (std::size_t i = 0; i + 2 < answers->size(); i += 3) {
      memory += static_cast<double>((*answers)[i].integer);
      if ((*answers)[i + 1].text == "listpack") ++listpacks;
      largest = std::max(largest, static_cast<double>((*answers)[i + 2].integer));
    }
  }
  bench.figure(kMemory, memory);
  bench.figure(kListpacks, listpacks / static_cast<double>(hash.keys()));
  bench.figure(kLargest, largest);
  return {};
}

/// HGETs of fields that chance decides, many in each round trip.
Status timeGets(Nanos duration, const BucketedHash& hash, Admin& admin, Bench& bench) {
  constexpr int kInARoundTrip = 200;
  Rng rng(1);
  const auto meter = CallMeter::begin(admin, "hget");
  if (!meter) return fail(meter.error());
  const Nanos end = SteadyClock::read() + duration;
  while (SteadyClock::read() < end && !bench.interrupted()) {
    std::vector<std::vector<std::string>> gets;
    for (int i = 0; i < kInARoundTrip; ++i) {
      const std::uint64_t id = rng.below(hash.fields);
      gets.push_back({"HGET", hash.keyOf(id), BucketedHash::field(id)});
    }
    const auto values = admin.pipeline(gets);
    if (!values) return fail(values.error());
    if (std::ranges::any_of(*values, [](const Value& value) { return !value.isText(); }))
      return fail(ErrorCode::invalidInput, "a field of {} is missing", hash.name);
  }
  const auto grown = meter->grown(admin);
  if (!grown) return fail(grown.error());
  if (grown->calls == 0) return {};
  bench.figure(kGetUs, grown->us / grown->calls);
  bench.figure(kGetCpuUs, grown->mainThreadUs / grown->calls);
  return {};
}

Status readKey(Admin& admin, const std::string& key) {
  const std::array<std::string, 2> command{"HGETALL", key};
  const auto all = admin.commandDiscard(command, 60 * kSecond);
  if (!all) return fail(all.error());
  if (all->isError() || all->integer == 0)
    return fail(ErrorCode::invalidInput, "HGETALL {} found nothing: {}", key, all->text);
  return {};
}

/// HGETALL of keys that chance decides; at least one.
Status timeReads(Nanos duration, const BucketedHash& hash, Admin& admin, Bench& bench) {
  Rng rng(1);
  const auto meter = CallMeter::begin(admin, "hgetall");
  if (!meter) return fail(meter.error());
  const Nanos end = SteadyClock::read() + duration;
  do {
    if (auto read = readKey(admin, hash.key(rng.below(hash.keys()))); !read) return read;
  } while (SteadyClock::read() < end && !bench.interrupted());
  const auto grown = meter->grown(admin);
  if (!grown) return fail(grown.error());
  bench.figure(kReadUs, grown->us / grown->calls);
  return {};
}

// What is done beside a load.

/// The driver's window has begun, and as much of it has passed as a baseline needs.
bool awaitMoment(const Parameters& p, const Bench& bench, const std::function<bool()>& isOver) {
  constexpr Nanos kDriverStarts = 400 * kMillisecond;
  constexpr auto kStep = std::chrono::milliseconds(2);
  const Nanos until = SteadyClock::read() + kDriverStarts + p.duration("warmup") + p.duration("at");
  while (SteadyClock::read() < until) {
    if (isOver() || bench.interrupted()) return false;
    std::this_thread::sleep_for(kStep);
  }
  return true;
}

/// Writes down when something was done, and the longest stall meanwhile.
Status watched(StallWatch& stalls, Bench& bench, const std::function<Status()>& act) {
  stalls.restart();
  bench.figure(kBeginUnix, toSeconds(wallNow()));
  const Status done = act();
  bench.figure(kEndUnix, toSeconds(wallNow()));
  bench.figure(kStallUs, stalls.longestUs());
  return done;
}

Status tooLate(const Parameters& p) {
  return fail(ErrorCode::invalidInput, "the load ended before it was time: raise duration ({})",
              p.text("duration"));
}

BucketedHash doomedOf(const Parameters& p, const Deletion& way) {
  return {.name = "big:doomed",
          .fields = p.count("fields"),
          .fieldSize = p.size("field-size"),
          .buckets = way.inBuckets ? p.count("delete-buckets") : 0};
}

/// Waits until the background thread has freed all.
Status awaitFreed(Admin& admin, const Bench& bench) {
  constexpr auto kPause = std::chrono::milliseconds(2);
  while (!bench.interrupted()) {
    const auto info = admin.info({"memory"});
    if (!info) return fail(info.error());
    if (info->number("lazyfree_pending_objects") == 0) return {};
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

Migration migrationOf(const Parameters& p, std::uint64_t batch) {
  const auto hash = [&](const char* name, std::uint64_t buckets) {
    return BucketedHash{.name = name,
                        .fields = p.count("migrate-fields"),
                        .fieldSize = p.size("field-size"),
                        .buckets = buckets};
  };
  return {.from = hash("big:old", 0),
          .to = hash("big:new", p.count("migrate-buckets")),
          .batch = batch};
}

/// Operates beside a migration, on a thread of its own.
class Application {
 public:
  explicit Application(HashClient& client) : client_(client), thread_([this] { run(); }) {}
  ~Application() { stop(); }
  Application(const Application&) = delete;
  Application& operator=(const Application&) = delete;

  Status end() {
    stop();
    return status_;
  }

 private:
  void run() {
    constexpr auto kPause = std::chrono::microseconds(200);
    while (!isOver_ && status_) {
      status_ = client_.operate();
      std::this_thread::sleep_for(kPause);
    }
  }
  void stop() {
    isOver_ = true;
    if (thread_.joinable()) thread_.join();
  }

  HashClient& client_;
  std::atomic<bool> isOver_ = false;
  Status status_;  // under the thread until it has ended
  std::thread thread_;
};

/// Fields in all buckets, and in the old hash.
Result<double> fieldsOf(const BucketedHash& hash, Admin& admin) {
  std::vector<std::vector<std::string>> questions;
  for (std::uint64_t i = 0; i < hash.keys(); ++i) questions.push_back({"HLEN", hash.key(i)});
  const auto answers = admin.pipeline(questions);
  if (!answers) return fail(answers.error());
  double fields = 0;
  for (const Value& answer : *answers) fields += static_cast<double>(answer.integer);
  return fields;
}

Status noteMigration(const Migration& migration, HashClient& client, Admin& admin, Bench& bench) {
  const auto fields = fieldsOf(migration.to, admin), left = fieldsOf(migration.from, admin);
  if (!fields) return fail(fields.error());
  if (!left) return fail(left.error());
  const auto lost = client.lostWrites();
  if (!lost) return fail(lost.error());
  const HashClientCounts& counts = client.counts();
  bench.figure(kAtEnd, *fields + *left);
  bench.figure(kLost, static_cast<double>(*lost));
  for (const auto& [name, count] : {std::pair(kReads, counts.reads),
                                    {kWrites, counts.writes},
                                    {kFromOld, counts.fromOld},
                                    {kSecondLook, counts.secondLook},
                                    {kMissing, counts.missing},
                                    {kWrong, counts.wrong}})
    bench.figure(name, static_cast<double>(count));
  return {};
}

}  // namespace

Status makeLayouts(const Parameters& p, const Factor<Layout>& layouts, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const auto standard = (*admin)->configGet("hash-max-listpack-entries");
  if (!standard) return fail(standard.error());
  for (std::size_t i = 0; i < layouts.size(); ++i) {
    const Layout& layout = layouts.payload(i);
    const std::string limit = layout.entries == 0 ? *standard : std::to_string(layout.entries);
    if (auto set = (*admin)->configSet("hash-max-listpack-entries", limit); !set) return set;
    if (auto made = makeHash(**admin, hashOf(p, layout), [&] { return bench.interrupted(); });
        !made)
      return made;
  }
  return (*admin)->configSet("hash-max-listpack-entries", *standard);
}

Status measureAccess(const Parameters& p, const Layout& layout, Bench& bench) {
  const AffinityScope beside(generatorCpus(bench));
  // A Unix socket, as the bench's own connection, would cost the kernel less.
  auto admin = Admin::connect(bench.stack().endpoint(), {});
  if (!admin) return fail(admin.error());
  const BucketedHash hash = hashOf(p, layout);
  bench.command(fmt::format("redis-cli -u redis://$ADDR memory usage {} samples 0", hash.key(0)));
  bench.command(fmt::format(
      "redis-benchmark -u redis://$ADDR -c 1 -P 200 -n 1000000 -r {} hget {} field:__rand_int__; "
      "redis-cli -u redis://$ADDR info commandstats | grep cmdstat_hget:",
      hash.fields, hash.key(0)));
  if (auto sizes = noteSizes(hash, *admin, bench); !sizes) return sizes;
  const Nanos duration = p.duration("access-duration");
  if (auto gets = timeGets(duration, hash, *admin, bench); !gets) return gets;
  return timeReads(duration, hash, *admin, bench);
}

Status readBeside(const Parameters& p, const Layout& layout, Bench& bench,
                  const std::function<bool()>& isOver) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const BucketedHash hash = hashOf(p, layout);
  bench.command(fmt::format("redis-cli -u redis://$ADDR hgetall {} >/dev/null", hash.key(0)));
  StallWatch stalls(bench);
  if (!awaitMoment(p, bench, isOver)) return tooLate(p);
  const auto meter = CallMeter::begin(**admin, "hgetall");
  if (!meter) return fail(meter.error());
  const auto read = [&]() -> Status {
    Rng rng(1);
    const Nanos end = SteadyClock::read() + (layout.buckets == 0 ? 0 : p.duration("read-for"));
    do {
      if (auto one = readKey(**admin, hash.key(rng.below(hash.keys()))); !one) return one;
      std::this_thread::sleep_for(std::chrono::nanoseconds(kReadPause));
    } while (SteadyClock::read() < end && !bench.interrupted());
    return {};
  };
  if (auto done = watched(stalls, bench, read); !done) return done;
  const auto grown = meter->grown(**admin);
  if (!grown) return fail(grown.error());
  bench.figure(kCalls, grown->calls);
  bench.figure(kCallUs, grown->us / grown->calls);
  return {};
}

Status makeDoomed(const Parameters& p, const Deletion& way, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  if (auto set = (*admin)->configSet("lazyfree-lazy-user-del", way.isLazy ? "yes" : "no"); !set)
    return set;
  return makeHash(**admin, doomedOf(p, way), [&] { return bench.interrupted(); });
}

Status deleteBeside(const Parameters& p, const Deletion& way, Bench& bench,
                    const std::function<bool()>& isOver) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const BucketedHash hash = doomedOf(p, way);
  bench.command(fmt::format("redis-cli -u redis://$ADDR config set lazyfree-lazy-user-del {}",
                            way.isLazy ? "yes" : "no"));
  bench.command(fmt::format("redis-cli -u redis://$ADDR {} {}", way.command, hash.key(0)));
  StallWatch stalls(bench);
  if (!awaitMoment(p, bench, isOver)) return tooLate(p);
  const auto meter = CallMeter::begin(**admin, toLower(way.command));
  if (!meter) return fail(meter.error());
  const auto erase = [&]() -> Status {
    const Nanos begin = SteadyClock::read();
    for (std::uint64_t i = 0; i < hash.keys() && !bench.interrupted(); ++i) {
      const auto gone = (*admin)->command({way.command, hash.key(i)}, 60 * kSecond);
      if (!gone) return fail(gone.error());
      if (gone->integer != 1) return fail(ErrorCode::invalidInput, "{} is missing", hash.key(i));
    }
    if (auto freed = awaitFreed(**admin, bench); !freed) return freed;
    bench.figure(kFreedS, toSeconds(SteadyClock::read() - begin));
    return {};
  };
  if (auto done = watched(stalls, bench, erase); !done) return done;
  const auto grown = meter->grown(**admin);
  if (!grown) return fail(grown.error());
  bench.figure(kCalls, grown->calls);
  bench.figure(kCallUs, grown->us / grown->calls);
  return (*admin)->configSet("lazyfree-lazy-user-del", "no");
}

Status makeOld(const Parameters& p, Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  const Migration migration = migrationOf(p, 0);
  for (const BucketedHash& hash : {migration.from, migration.to})
    if (auto gone = unlinkHash(**admin, hash); !gone) return gone;
  return makeHash(**admin, migration.from, [&] { return bench.interrupted(); });
}

Status migrateBeside(const Parameters& p, std::uint64_t batch, Bench& bench,
                     const std::function<bool()>& isOver) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  auto own = Admin::connect(bench.stack().endpoint(), {}, 60 * kSecond);
  if (!own) return fail(own.error());
  const Migration migration = migrationOf(p, batch);
  HashClient client(std::move(*own), migration, 1);
  StallWatch stalls(bench);
  if (!awaitMoment(p, bench, isOver)) return tooLate(p);
  {
    Application application(client);
    const auto migrate = [&]() -> Status {
      const auto moved = migrateHash(**admin, migration, [&] { return bench.interrupted(); });
      if (!moved) return fail(moved.error());
      bench.figure(kMoved, static_cast<double>(moved->fields));
      return {};
    };
    if (auto done = watched(stalls, bench, migrate); !done) return done;
    if (auto ended = application.end(); !ended) return ended;
  }
  return noteMigration(migration, client, **admin, bench);
}

}  // namespace redline::lab::big_key_remediation
