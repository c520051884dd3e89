// A worker and a peer that stops, closes, resets, sends garbage or more than anybody asked for, at
// each byte of what it says. Whatever it does, the run ends in time, takes no more memory than its
// replies can need, accounts for every operation, and says at most one line.
//
//     REDLINE_HOSTILE_EVERY=1    at every offset (scripts/nightly), not at a share of them
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>

#include "base/text.h"
#include "engine/worker.h"
#include "os/files.h"
#include "record/recorder.h"
#include "support/hostile_peer.h"

namespace redline {
namespace {

using test::Blow;
using test::Exchange;
using test::HostilePeer;

constexpr Nanos kLongestConnect = 300 * kMillisecond;
constexpr Nanos kPatience = 5 * kSecond;        // for what takes tenths of a second
constexpr std::uint64_t kMemory = 48ULL << 20;  // bytes; a flood offers a gigabyte
constexpr std::size_t kLine = 400;              // characters

std::string nameOf(Exchange exchange) {
  constexpr const char* kNames[] = {"Greeting", "Regreeting", "Get", "Transaction",
                                    "Ask",      "Asking",     "Push"};
  return kNames[static_cast<std::size_t>(exchange)];
}
std::string nameOf(Blow blow) {
  constexpr const char* kNames[] = {"none",    "stop",   "close",   "reset",
                                    "garbage", "length", "nesting", "line"};
  return kNames[static_cast<std::size_t>(blow)];
}

/// Of this process, in bytes; `field`: VmRSS, or VmHWM, the highest since startPeak().
std::uint64_t memory(std::string_view field) {
  const std::string status = readWholeFile("/proc/self/status").value_or("");
  const std::size_t at = status.find(field);
  return at == std::string::npos
             ? 0
             : std::strtoull(status.c_str() + at + field.size() + 1, nullptr, 10) << 10;
}
void startPeak() {
  EXPECT_TRUE(std::ofstream("/proc/self/clear_refs") << "5" << std::flush);
}

/// One short run against a peer that strikes once.
class Assault {
 public:
  Assault(Exchange exchange, Blow blow, std::size_t offset, OnDisconnect onDisconnect)
      : exchange_(exchange), peer_({exchange, blow, offset, values_}) {
    plan_.target = peer_.node(0);
    plan_.keys = 40;
    plan_.valueSize = 40;
    plan_.conns = 2;
    plan_.rate = 4000;
    plan_.pipeline = 3;
    plan_.readShare = 1;
    plan_.warmup = 0;
    plan_.duration = 25 * kMillisecond;
    plan_.drain = 25 * kMillisecond;
    plan_.interval = 10 * kMillisecond;
    plan_.wait = WaitMode::block;
    plan_.io = offset % 2 == 0 ? IoChoice::automatic : IoChoice::epoll;
    plan_.onDisconnect = onDisconnect;
    plan_.transactions = exchange == Exchange::transaction;
    if (plan_.transactions) plan_.readShare = 0.5;
    const bool tracks = exchange == Exchange::greeting || exchange == Exchange::regreeting ||
                        exchange == Exchange::push;
    if (tracks) plan_.mitigation.kind = MitigationKind::localCache;
    plan_.mitigation.cacheBytes = 1;  // nothing stays in it: all reads are sent
  }

  void run() {
    std::optional<LiveSlotMap> map;
    if (exchange_ == Exchange::ask || exchange_ == Exchange::asking) map.emplace(twoNodes());
    Shared shared(plan_, map ? &*map : nullptr, &mitigations_);
    Recorder recorder(1, [](const Interval&) {});
    const SteadyClock clock;
    startPeak();
    const std::uint64_t before = memory("VmRSS");
    const Nanos begin = clock.now();
    {
      auto transport = makeTransport(plan_.io);
      ASSERT_TRUE(transport);
      Worker worker(shared, 0, **transport, clock, recorder.exchange(0));
      status_ = worker.connect(begin + kLongestConnect);
      if (status_) {
        status_ = worker.run(plan_.windowFrom(clock.now()));
        recorder.finish();
        counts_ = recorder.total().counts;
      }
    }
    EXPECT_LT(clock.now() - begin, kPatience);
    EXPECT_LT(memory("VmHWM"), before + kMemory);
    expectConserved();
    expectOneLine();
  }

  const HostilePeer& peer() const { return peer_; }
  const Status& status() const { return status_; }
  std::uint64_t completed() const { return sum(counts_.completed); }

 private:
  static std::uint64_t sum(const std::array<std::uint64_t, kOpKinds>& counts) {
    return counts[0] + counts[1];
  }
  SlotMap twoNodes() const {
    SlotMap map;
    for (std::uint16_t slot = 0; slot < kSlots; ++slot)
      map.moved(slot, "127.0.0.1", peer_.node(slot < kSlots - 100 ? 0 : 1).port);
    return map;
  }
  void expectConserved() const {
    EXPECT_EQ(counts_.scheduled, completed() + sum(counts_.failed) + counts_.outstandingAtEnd);
    EXPECT_LE(sum(counts_.sent), counts_.scheduled);
  }
  void expectOneLine() const {
    if (status_) return;
    const std::string& line = status_.error().message;
    EXPECT_FALSE(line.empty());
    EXPECT_LT(line.size(), kLine) << line;
    // A redirect names the node that it leads to, if garbage has left it a name.
    EXPECT_TRUE(exchange_ == Exchange::ask || line.find("127.0.0.1:") != std::string::npos) << line;
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20U) << line;
  }

  Exchange exchange_;
  const Values values_{1, 40};
  EnginePlan plan_;
  Mitigations mitigations_;
  HostilePeer peer_;
  Status status_;
  Counters counts_;
};

/// From one offset to the next. Greetings are long.
std::size_t stepOf(Exchange exchange) {
  if (const char* const text = std::getenv("REDLINE_HOSTILE_EVERY"))
    return std::strtoull(text, nullptr, 10);
  return exchange == Exchange::greeting || exchange == Exchange::regreeting ? 23 : 7;
}

class HostilePeerAt : public testing::TestWithParam<Exchange> {};

TEST_P(HostilePeerAt, EveryByteCostsAtMostTheRun) {
  const Exchange exchange = GetParam();
  Assault honest(exchange, Blow::none, 0, OnDisconnect::retry);
  honest.run();
  EXPECT_TRUE(honest.status()) << honest.status().error().message;
  EXPECT_GT(honest.completed(), 0U);
  const std::size_t length = honest.peer().said();
  ASSERT_GT(length, 20U);

  const std::size_t step = stepOf(exchange);
  constexpr Blow kBlows[] = {Blow::stop,   Blow::close,   Blow::reset, Blow::garbage,
                             Blow::length, Blow::nesting, Blow::line};
  std::size_t cases = 0, strikes = 0, served = 0;
  for (const Blow blow : kBlows)
    for (std::size_t offset = 3 * static_cast<std::size_t>(blow) % step; offset < length;
         offset += step) {
      SCOPED_TRACE(nameOf(blow) + " at byte " + std::to_string(offset));
      const bool stops = offset % 3 == 0 && exchange != Exchange::regreeting;
      const auto onDisconnect = stops ? OnDisconnect::stop : OnDisconnect::retry;
      Assault assault(exchange, blow, offset, onDisconnect);
      assault.run();
      served += assault.completed() > 0 ? 1U : 0U;
      ++cases;
      strikes += assault.peer().hasStruck() ? 1U : 0U;
      if (HasFailure()) return;
    }
  // One that is shorter than the offset, as with a shorter key, has no such byte.
  EXPECT_GE(strikes * 10, cases * 8);
  // What came before the blow was served; on a busy machine some runs of 25 ms see nothing of it.
  EXPECT_TRUE(exchange == Exchange::greeting || served * 10 >= cases * 8) << served;
  RecordProperty("cases", std::to_string(cases));
}

INSTANTIATE_TEST_SUITE_P(Exchanges, HostilePeerAt,
                         testing::Values(Exchange::greeting, Exchange::regreeting, Exchange::get,
                                         Exchange::transaction, Exchange::ask, Exchange::asking,
                                         Exchange::push),
                         [](const auto& exchange) { return nameOf(exchange.param); });

}  // namespace
}  // namespace redline
