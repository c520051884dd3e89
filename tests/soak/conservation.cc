// Conservation under fire: runs with random flags against a real redis-server that is stopped,
// killed and restarted at random moments. However it went,
//   scheduled = completed + failed + outstanding,
// the run directory says the same as the summary, and where the server survived, its own count of
// commands is ours: equal where every operation was answered, else between what was answered and
// what was sent.
//
//   build/release/tests/conservation [RUNS [SEED]]     default: 200 runs, a seed from the clock
//
// A run that the driver refuses, because its server was dead before the load began, shows nothing
// of conservation; such runs are counted apart.
//
// The seed is printed; the same seed makes the same runs (the moments of faults are real time).
// Exit 0: all that ran held, and some ran. About two seconds a run.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "base/units.h"
#include "run/driver_run.h"
#include "rundir/run_dir_reader.h"
#include "server/scoped_stack.h"

namespace redline {
namespace {

enum class Blow { none, pause, kill, restart };
constexpr std::string_view kBlowNames[] = {"none", "pause", "kill", "restart"};

struct Trial {
  DriverPlan plan;
  Blow blow = Blow::none;
  Nanos blowAt = 0;   // after the run's beginning
  Nanos blowFor = 0;  // pause: how long; restart: until it is started again
  std::string flags;  // for people
};

template <typename T>
T pick(Rng& rng, std::initializer_list<T> choices) {
  return *(choices.begin() + rng.below(choices.size()));
}

Trial drawTrial(Rng& rng) {
  Trial trial;
  EnginePlan& p = trial.plan.engine;
  p.threads = 1 + static_cast<unsigned>(rng.below(3));
  p.conns = p.threads + static_cast<unsigned>(rng.below(60));
  p.io = pick(rng, {IoChoice::uring, IoChoice::epoll});
  p.wait = pick(rng, {WaitMode::automatic, WaitMode::spin, WaitMode::block});
  p.arrivals = pick(rng, {Arrivals::constant, Arrivals::poisson, Arrivals::closed});
  p.rate = pick(rng, {300.0, 3'000.0, 20'000.0, 150'000.0});
  p.pipeline = pick(rng, {0U, 1U, 4U, 16U, 64U});
  p.transactions = rng.below(4) == 0;
  p.batchWait = pick<Nanos>(rng, {0, 0, kMillisecond, 10 * kMillisecond});
  p.readShare = pick(rng, {0.0, 0.5, 0.9, 1.0});
  p.distribution = pick(rng, {Distribution::uniform, Distribution::zipfian});
  p.opTimeout = pick<Nanos>(rng, {0, 0, 2 * kMillisecond, 100 * kMillisecond});
  p.onDisconnect = rng.below(4) == 0 ? OnDisconnect::stop : OnDisconnect::retry;
  p.verify = pick(rng, {VerifyLevel::none, VerifyLevel::header, VerifyLevel::full});
  p.valueSize = pick<std::size_t>(rng, {1, 24, 100, 4096});
  p.ttlFraction = pick(rng, {0.0, 0.3});
  p.warmup = pick<Nanos>(rng, {0, 0, 200 * kMillisecond});
  p.duration = static_cast<Nanos>(300 + rng.below(700)) * kMillisecond;
  p.drain = pick<Nanos>(rng, {0, 100 * kMillisecond, kSecond});
  p.interval = pick<Nanos>(rng, {50 * kMillisecond, 300 * kMillisecond, kSecond});
  p.keys = 2'000;
  p.runSeed = rng.next();
  trial.blow = pick(rng, {Blow::none, Blow::pause, Blow::pause, Blow::kill, Blow::restart});
  trial.blowAt = static_cast<Nanos>(rng.below(900)) * kMillisecond;
  trial.blowFor = static_cast<Nanos>(rng.below(600)) * kMillisecond;
  trial.flags = fmt::format(
      "threads {} conns {} io {} wait {} arrivals {} rate {} pipeline {} tx {} batch-wait {} rw {} "
      "op-timeout {} on-disconnect {} value-size {} warmup {} duration {} drain {}",
      p.threads, p.conns, static_cast<int>(p.io), static_cast<int>(p.wait),
      static_cast<int>(p.arrivals), p.rate, p.pipeline, p.transactions, formatDuration(p.batchWait),
      p.readShare, formatDuration(p.opTimeout), static_cast<int>(p.onDisconnect), p.valueSize,
      formatDuration(p.warmup), formatDuration(p.duration), formatDuration(p.drain));
  return trial;
}

std::optional<std::uint64_t> commandCalls(const ScopedStack& stack) {
  auto admin = stack.node().admin();
  if (!admin) return std::nullopt;
  const auto info = admin->info({"commandstats"});
  if (!info) return std::nullopt;
  std::uint64_t calls = 0;
  for (const char* name : {"get", "set"})
    if (const auto found = info->commandStats.find(name); found != info->commandStats.end())
      calls += found->second.calls;
  return calls;
}

void sleepFor(Nanos span) {
  std::this_thread::sleep_for(std::chrono::nanoseconds(span));
}

void strike(const Trial& trial, ScopedStack& stack) {
  sleepFor(trial.blowAt);
  Node& node = stack.node();
  switch (trial.blow) {
    case Blow::none:
      return;
    case Blow::pause:
      (void)node.signal(SIGSTOP);
      sleepFor(trial.blowFor);
      (void)node.signal(SIGCONT);
      return;
    case Blow::kill:
      (void)node.kill();
      return;
    case Blow::restart:
      (void)node.kill();
      sleepFor(trial.blowFor);
      (void)stack.restart();
      return;
  }
}

/// What the run's directory says of it, warm-up included.
struct Counted {
  std::uint64_t sent = 0;
  std::uint64_t answered = 0;   // completed, or failed by an error reply
  std::uint64_t completed = 0;  // of the measured window
};

Result<Counted> countedIn(const std::filesystem::path& out) {
  const auto run = readRunDir(out);
  if (!run) return fail(run.error());
  if (!run->warnings.empty())
    return fail(ErrorCode::invalidInput, "run directory: {}", run->warnings.front());
  Counted counted;
  for (const IntervalRow& row : run->intervals) {
    for (const KindRow& kind : row.kinds) {
      counted.sent += kind.sent;
      counted.answered += kind.completed;
      if (!row.warmup) counted.completed += kind.completed;
    }
    counted.answered += row.counts.carriedOver;
    for (std::size_t i = 0; i < kFailures; ++i)
      if (i < index(Failure::timeout)) counted.answered += row.counts.failures[i];
  }
  return counted;
}

/// Empty: the server saw what we say that we sent. Otherwise how it did not.
std::string compareWithServer(const Trial& trial, const RateFigures& rate, const Counted& ours,
                              std::uint64_t calls) {
  if (calls < ours.answered)
    return fmt::format("{} answered, {} seen by the server", ours.answered, calls);
  // An operation that fell due in the warm-up and was sent after it is in no count of sends.
  if (trial.plan.engine.warmup != 0) return {};
  if (calls > ours.sent) return fmt::format("{} sent, {} seen by the server", ours.sent, calls);
  // What was in flight when the run gave up may or may not have been executed.
  const bool allAnswered = rate.outstanding == 0 && !rate.errors.contains("timeout");
  if (allAnswered && calls != ours.sent)
    return fmt::format("{} sent and answered, {} seen by the server", ours.sent, calls);
  return {};
}

/// Empty: all is well. Otherwise what is not.
std::string judgeTrial(const Trial& trial, const Summary& s, std::optional<std::uint64_t> calls,
                       std::uint64_t& compared) {
  const RateFigures& rate = s.rate;
  if (rate.scheduled != rate.completed + rate.failed + rate.outstanding)
    return fmt::format("{} scheduled, but {} completed + {} failed + {} outstanding",
                       rate.scheduled, rate.completed, rate.failed, rate.outstanding);
  std::uint64_t failures = 0;
  for (const auto& [name, count] : rate.errors) failures += count;
  if (failures != rate.failed) return fmt::format("{} failed, {} by kind", rate.failed, failures);
  const LatencyFigures& response = s.latency.at("response").at("all");
  if (response.count != rate.completed + rate.outstanding)
    return fmt::format("{} response times for {} completed + {} outstanding", response.count,
                       rate.completed, rate.outstanding);
  if (s.verify.corrupt != 0) return fmt::format("{} corrupt values", s.verify.corrupt);
  const auto counted = countedIn(trial.plan.out);
  if (!counted) return counted.error().message;
  if (counted->completed != rate.completed)
    return fmt::format("{} completed, {} in the run directory", rate.completed, counted->completed);
  if (!calls) return {};
  ++compared;
  return compareWithServer(trial, rate, *counted, *calls);
}

/// GETs and SETs that the server executed between the two readings; nothing
/// where it did not live through both.
std::optional<std::uint64_t> callsBetween(const Trial& trial, std::optional<std::uint64_t> before,
                                          std::optional<std::uint64_t> after) {
  const bool survived = trial.blow == Blow::none || trial.blow == Blow::pause;
  if (!survived || !before || !after) return std::nullopt;
  return *after - *before;
}

enum class End { conserved, refused, wrong };

/// Empty: the driver was right to refuse the run, and left nothing that could pass for a result
/// (its plan is there when the server died after it was looked at). Otherwise what is not right.
std::string judgeRefusal(const Trial& trial) {
  if (trial.blow == Blow::none || trial.blow == Blow::pause)
    return "refused, although the server lived";
  std::error_code none;
  return std::filesystem::exists(trial.plan.out / "summary.json", none)
             ? "a refused run left a summary"
             : "";
}

/// `compared` grows where the server's counts could be held against ours.
End runTrial(std::uint64_t number, const Trial& drawn, const std::filesystem::path& home,
             std::uint64_t& compared) {
  Trial trial = drawn;
  auto stack = ScopedStack::start();
  if (!stack) {
    fmt::print("run {}: no server: {}\n", number, stack.error().message);
    return End::wrong;
  }
  trial.plan.engine.target = stack->endpoint();
  trial.plan.out = home / std::to_string(number);
  const auto before = commandCalls(*stack);
  RunWatcher watcher;
  watcher.onNote = [](const std::string&) {};
  watcher.onInterval = [](const Interval&, Nanos) {};
  watcher.interrupted = [] { return false; };
  // The driver runs beside; this thread owns the server, which dies with it.
  auto run = std::async(std::launch::async, [&] { return runDriver(trial.plan, watcher); });
  strike(trial, *stack);
  const auto outcome = run.get();
  std::string wrong;
  if (outcome) {
    const auto calls = callsBetween(trial, before, commandCalls(*stack));
    wrong = judgeTrial(trial, outcome->summary, calls, compared);
    const RateFigures& rate = outcome->summary.rate;
    fmt::print("run {:>3} {:<7} {:>7} = {:>7} + {:>6} + {:>7} {}\n", number,
               kBlowNames[static_cast<int>(trial.blow)], rate.scheduled, rate.completed,
               rate.failed, rate.outstanding, wrong.empty() ? "ok" : "WRONG: " + wrong);
  } else {
    wrong = judgeRefusal(trial);
    fmt::print("run {:>3} {:<7} refused: {}{}\n", number, kBlowNames[static_cast<int>(trial.blow)],
               outcome.error().message, wrong.empty() ? "" : " WRONG: " + wrong);
  }
  if (!wrong.empty()) fmt::print("    {}\n", trial.flags);
  if (!wrong.empty()) return End::wrong;
  return outcome ? End::conserved : End::refused;
}

}  // namespace
}  // namespace redline

int main(int argc, char** argv) {
  using namespace redline;
  const std::uint64_t runs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10)
                                      : static_cast<std::uint64_t>(wallNow() / kSecond);
  const std::filesystem::path home =
      std::filesystem::temp_directory_path() / fmt::format("redline-conservation-{}", ::getpid());
  fmt::print("{} runs from seed {}\n", runs, seed);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::uint64_t conserved = 0;
  std::uint64_t refused = 0;
  std::uint64_t compared = 0;
  for (std::uint64_t i = 0; i < runs; ++i) {
    Rng rng(seed, i);
    const End end = runTrial(i, drawTrial(rng), home, compared);
    if (end == End::conserved) ++conserved;
    if (end == End::refused) ++refused;
  }
  std::filesystem::remove_all(home);
  fmt::print(
      "{} of {} runs conserved every operation, and {} were refused, which shows nothing; in {} "
      "the "
      "server lived and its counts were compared (seed {})\n",
      conserved, runs - refused, refused, compared, seed);
  return conserved + refused == runs && conserved != 0 ? 0 : 1;
}
