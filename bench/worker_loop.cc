// What the engine itself costs: one worker in the closed model over a transport that answers every
// GET from memory, without a system call. On a single node, and in a cluster of three, where every
// key is hashed, routed, and counted by slot and node.
//
//     build/release/bench/worker_loop [node|cluster|both] [BATCH …] [-seconds=S]
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/worker.h"
#include "record/recorder.h"

namespace redline {
namespace {

/// Every command is a GET, and every GET misses.
class CannedTransport final : public Transport {
 public:
  Result<ConnId> open(const Endpoint&) override {
    const auto id = static_cast<ConnId>(peers_.size());
    peers_.push_back(std::make_unique<Peer>());
    next_.push_back({id, TransportEvent::Kind::connected, 0});
    return id;
  }
  void close(ConnId) override {}
  InBuffer& inbound(ConnId id) override { return peers_[id]->in; }
  OutBuffer& outbound(ConnId id) override { return peers_[id]->out; }
  void flush(ConnId id) override {
    Peer& peer = *peers_[id];
    for (const char byte : peer.out.view()) {
      if (byte != '*') continue;
      const std::span<char> space = peer.in.space(kMiss.size());
      kMiss.copy(space.data(), kMiss.size());
      peer.in.commit(kMiss.size());
    }
    peer.out.clear();
    next_.push_back({id, TransportEvent::Kind::received, 0});
  }
  std::span<const TransportEvent> wait(Nanos) override {
    now_.clear();
    now_.swap(next_);
    return now_;
  }
  std::string_view name() const override { return "canned"; }
  Status watch(const Waker&) override { return {}; }

 private:
  static constexpr std::string_view kMiss = "$-1\r\n";
  struct Peer {
    InBuffer in;
    OutBuffer out;
  };
  std::vector<std::unique_ptr<Peer>> peers_;
  std::vector<TransportEvent> now_, next_;
};

SlotMap threeMasters() {
  SlotMap map;
  for (std::uint16_t slot = 0; slot < kSlots; ++slot)
    map.moved(slot, "127.0.0.1", static_cast<std::uint16_t>(7001 + std::size_t{slot} * 3 / kSlots));
  return map;
}

/// Nanoseconds for one operation.
double measure(bool cluster, unsigned batch, Nanos span) {
  EnginePlan plan;
  plan.arrivals = Arrivals::closed;
  plan.pipeline = batch;
  plan.keys = 10'000'000;
  plan.readShare = 1;
  plan.conns = cluster ? 17 : 50;
  plan.verify = VerifyLevel::none;
  plan.warmup = 0;
  plan.duration = span;
  CannedTransport transport;
  const SteadyClock clock;
  LiveSlotMap map(threeMasters());
  Shared shared(plan, cluster ? &map : nullptr);
  Recorder recorder(1, [](const Interval&) {});
  Worker worker(shared, 0, transport, clock, recorder.exchange(0));
  if (const auto up = worker.connect(clock.now() + kSecond); !up) {
    fmt::print(stderr, "worker_loop: {}\n", up.error().message);
    std::exit(1);
  }
  const Nanos start = clock.now();
  (void)worker.run({start, start, start + span, start + 2 * span, kSecond});
  recorder.finish();
  return static_cast<double>(span) / static_cast<double>(recorder.completedInWindow());
}

}  // namespace
}  // namespace redline

int main(int argc, char** argv) {
  using namespace redline;
  bool node = true, cluster = true;
  std::vector<unsigned> batches;
  double seconds = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "node")
      cluster = false;
    else if (word == "cluster")
      node = false;
    else if (word.starts_with("-seconds="))
      seconds = std::atof(argv[i] + 9);
    else if (word != "both")
      batches.push_back(static_cast<unsigned>(std::atoi(argv[i])));
  }
  if (batches.empty()) batches = {1, 16, 64};
  const auto span = static_cast<Nanos>(seconds * static_cast<double>(kSecond));
  fmt::print("{:>6} {:>12} {:>12} {:>7}\n", "batch", "node ns/op", "cluster", "ratio");
  for (const unsigned batch : batches) {
    const double onNode = node ? measure(false, batch, span) : 0;
    const double inCluster = cluster ? measure(true, batch, span) : 0;
    fmt::print("{:>6} {:>12.1f} {:>12.1f} {:>7.2f}\n", batch, onNode, inCluster,
               node && cluster ? inCluster / onNode : 0.0);
  }
}
