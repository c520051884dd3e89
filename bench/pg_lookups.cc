// Reads by primary key through the store's own client (src/pg), in a closed loop.
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>
#include <vector>

#include "base/rng.h"
#include "bench/tool.h"
#include "pg/pg_store.h"
#include "record/histogram.h"

namespace redline::bench {
namespace {

constexpr const char* kUsage =
    "pg_lookups -socket DIR [-conns 8] [-inflight 8] [-seconds 5] [-keys 1000000] [-seed 1]\n"
    "           [-value-size 100] [-cpu -1]\n"
    "Keeps -inflight reads of random rows under way over -conns connections, verifies every "
    "value,\n"
    "and prints one line of JSON: reads/s, microseconds from the request to its reply, and the\n"
    "CPU time of this process for each read.";

struct Loop {
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;

  void wake() {
    const std::lock_guard lock(mutex);
    ready = true;
    changed.notify_one();
  }
  void await() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return ready; });
    ready = false;
  }
};

double cpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Figures {
  Histogram latency;
  std::uint64_t failed = 0, corrupt = 0;
};

/// Reads until `end`; those under way then are waited for.
void readUntil(Nanos end, unsigned inFlight, std::uint64_t keys, const Values& values, Store& store,
               Figures& figures) {
  Loop loop;
  StoreInbox inbox([&loop] { loop.wake(); });
  Rng rng(static_cast<std::uint64_t>(end));
  std::vector<Nanos> begun(inFlight + 1);
  std::vector<StoreRequest> next;
  std::vector<StoreReply> replies;
  for (unsigned i = 1; i <= inFlight; ++i) next.emplace_back().ticket = i;
  for (unsigned underWay = 0; underWay != 0 || !next.empty();) {
    const Nanos now = SteadyClock::read();
    if (now >= end) next.clear();
    for (StoreRequest& request : next) {
      request.id = rng.next() % keys;
      request.deadline = now + 10 * kSecond;
      begun[request.ticket] = now;
    }
    underWay += static_cast<unsigned>(next.size());
    store.submit(next, inbox);
    next.clear();
    if (underWay == 0) break;
    loop.await();
    inbox.take(replies);
    const Nanos got = SteadyClock::read();
    for (const StoreReply& reply : replies) {
      --underWay;
      next.emplace_back().ticket = reply.ticket;
      figures.latency.record(got - begun[reply.ticket]);
      figures.failed += reply.outcome != StoreReply::Outcome::found ? 1U : 0U;
      figures.corrupt +=
          values.check(reply.value, reply.id, nullptr, VerifyLevel::full) != Values::Verdict::ok
              ? 1U
              : 0U;
    }
  }
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, kUsage);
  PgStoreOptions options;
  options.address.directory = arguments.text("socket", "");
  options.limits.connections = arguments.number("conns", 8U);
  const auto inFlight = arguments.number("inflight", 8U);
  const auto seconds = arguments.number("seconds", 5.0);
  const auto keys = arguments.number("keys", std::uint64_t{1'000'000});
  const auto seed = arguments.number("seed", std::uint64_t{1});
  const auto size = arguments.number("value-size", std::size_t{100});
  pinTo(arguments.number("cpu", -1));
  arguments.done();
  const Values values(seed, size);
  const auto store = PgStore::start(options, values);
  if (!store) die(store.error().message);
  Figures warm, figures;
  readUntil(SteadyClock::read() + kSecond, inFlight, keys, values, **store, warm);
  const double cpuBefore = cpuSeconds();
  const Nanos begin = SteadyClock::read();
  readUntil(begin + fromSeconds(seconds), inFlight, keys, values, **store, figures);
  const double took = toSeconds(SteadyClock::read() - begin);
  const auto count = static_cast<double>(figures.latency.count());
  fmt::print(
      "{{\"reads_per_s\": {:.0f}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, \"max_us\": {:.1f}, "
      "\"cpu_us_per_read\": {:.2f}, \"failed\": {}, \"corrupt\": {}}}\n",
      count / took, toMicros(figures.latency.quantile(0.5)),
      toMicros(figures.latency.quantile(0.99)), toMicros(figures.latency.max()),
      (cpuSeconds() - cpuBefore) / count * 1e6, figures.failed, figures.corrupt);
  return figures.failed + figures.corrupt == 0 ? 0 : 1;
}

}  // namespace
}  // namespace redline::bench

int main(int argc, char** argv) {
  return redline::bench::run(argc, argv);
}
