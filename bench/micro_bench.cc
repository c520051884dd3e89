// The pieces of the hot path, one by one. What matters is the time of one call in a stream of them,
// as a worker makes them; results are summed up so that nothing is optimised away.
//
//     build/release/bench/micro_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "record/histogram.h"
#include "resp/request.h"
#include "resp/scanner.h"
#include "schedule/schedule.h"
#include "workload/distribution.h"
#include "workload/key_chooser.h"
#include "workload/keyspace.h"
#include "workload/scatter.h"
#include "workload/values.h"
#include "workload/workload.h"

namespace redline {
namespace {

constexpr std::uint64_t kKeys = 100'000'000;

void rngNext(benchmark::State& state) {
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(rng.next());
}
BENCHMARK(rngNext);

// Latencies as a run sees them: most near 100 µs, a tail to tens of milliseconds.
void histogramRecord(benchmark::State& state) {
  std::vector<Nanos> samples(1 << 12);
  Rng rng(1);
  for (Nanos& sample : samples)
    sample = 60'000 + static_cast<Nanos>(-std::log(rng.unitPositive()) * 40'000) +
             (rng.below(100) == 0 ? static_cast<Nanos>(rng.below(20'000'000)) : 0);
  Histogram histogram;
  std::size_t i = 0;
  for (auto _ : state) histogram.record(samples[i++ & (samples.size() - 1)]);
  benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(histogramRecord);

void zipfDraw(benchmark::State& state) {
  const Zipf zipf(kKeys, static_cast<double>(state.range(0)) / 100);
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(zipf.rank(rng));
}
BENCHMARK(zipfDraw)->ArgName("s*100")->Arg(80)->Arg(99)->Arg(100)->Arg(120)->Arg(200);

void uniformDraw(benchmark::State& state) {
  const Uniform uniform(kKeys);
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(uniform.rank(rng));
}
BENCHMARK(uniformDraw);

void scatterIdOf(benchmark::State& state) {
  const Scatter scatter(kKeys, 1);
  std::uint64_t rank = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(scatter.idOf(rank));
    if (++rank == kKeys) rank = 0;
  }
}
BENCHMARK(scatterIdOf);

// The whole draw of an operation: read or write, rank, id.
void workloadDraw(benchmark::State& state) {
  const Workload workload(
      KeyChooser(state.range(0) == 0 ? Distribution::uniform : Distribution::zipfian,
                 static_cast<double>(state.range(0)) / 100, kKeys, 1),
      Mix(0.9));
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(workload.draw(rng));
}
BENCHMARK(workloadDraw)->ArgName("s*100")->Arg(0)->Arg(100)->Arg(120);

// Ids in a random order: the values of a run are not written in sequence.
std::vector<std::uint64_t> someIds() {
  std::vector<std::uint64_t> ids(1 << 12);
  Rng rng(1);
  for (std::uint64_t& id : ids) id = rng.below(kKeys);
  return ids;
}

void keyWrite(benchmark::State& state) {
  const auto ids = someIds();
  char out[kMaxKeyLength];
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(writeKey(out, ids[i++ & (ids.size() - 1)]));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(keyWrite);

// What a GET costs in RESP alone: key and request written, the reply of 100 bytes found.
void encodeAndScan(benchmark::State& state) {
  std::string replies;
  for (int i = 0; i < 64; ++i) replies += "$100\r\n" + std::string(100, 'v') + "\r\n";
  std::string requests(64 * 1024, '\0');
  Rng rng(1);
  ReplyScanner scanner;
  ReplyView reply;
  std::string_view rest = replies;
  char* out = requests.data();
  for (auto _ : state) {
    char key[kMaxKeyLength];
    out = encodeGet(out, {key, writeKey(key, rng.below(kKeys))});
    benchmark::DoNotOptimize(scanner.next(rest, reply));
    benchmark::DoNotOptimize(reply);
    rest.remove_prefix(reply.size);
    if (rest.empty()) {
      rest = replies;
      out = requests.data();
    }
  }
}
BENCHMARK(encodeAndScan);

void valueWrite(benchmark::State& state) {
  const Values values(1, static_cast<std::size_t>(state.range(0)));
  const auto ids = someIds();
  std::vector<char> out(values.size());
  std::size_t i = 0;
  for (auto _ : state) {
    values.write(out.data(), ids[i++ & (ids.size() - 1)], 1);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(valueWrite)->Arg(100)->Arg(4096);

// Values lie one after another in a buffer of a receive buffer's size, as they do in a run.
void checkValues(benchmark::State& state, VerifyLevel level) {
  const Values values(1, static_cast<std::size_t>(state.range(0)));
  const auto ids = someIds();
  const std::size_t held = (std::size_t{1} << 14) / values.size();
  std::vector<char> buffer(held * values.size());
  for (std::size_t i = 0; i < held; ++i) values.write(&buffer[i * values.size()], ids[i], i);
  std::uint64_t corrupt = 0, versions = 0;
  std::size_t i = 0;
  for (auto _ : state) {
    std::uint64_t version = 0;
    const std::string_view value(&buffer[i * values.size()], values.size());
    corrupt += values.check(value, ids[i], &version, level) != Values::Verdict::ok;
    versions += version;
    if (++i == held) i = 0;
  }
  benchmark::DoNotOptimize(versions);
  if (corrupt != 0) state.SkipWithError("a sound value did not verify");
}
void valueCheckFull(benchmark::State& state) {
  checkValues(state, VerifyLevel::full);
}
void valueCheckHeader(benchmark::State& state) {
  checkValues(state, VerifyLevel::header);
}
BENCHMARK(valueCheckFull)->Arg(100)->Arg(4096);
BENCHMARK(valueCheckHeader)->Arg(100);

void scheduleConstant(benchmark::State& state) {
  Schedule schedule = Schedule::constant(0, 123'456.7, 0, 2);
  for (auto _ : state) {
    benchmark::DoNotOptimize(schedule.due());
    schedule.advance();
  }
}
BENCHMARK(scheduleConstant);

void schedulePoisson(benchmark::State& state) {
  Schedule schedule = Schedule::poisson(0, 123'456.7, 0, 2, 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(schedule.due());
    schedule.advance();
  }
}
BENCHMARK(schedulePoisson);

}  // namespace
}  // namespace redline

BENCHMARK_MAIN();
