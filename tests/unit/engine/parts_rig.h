#pragma once

#include <deque>
#include <optional>
#include <string>

#include "engine/placer.h"
#include "engine/settler.h"
#include "record/interval_exchange.h"

namespace redline {

/// The parts of a worker without its loop: no transport and no clock. Tests hand in times and the
/// literal bytes of replies, and look at the bytes of requests.
struct PartsRig {
  EnginePlan plan;
  LiveSlotMap* cluster = nullptr;
  IntervalExchange exchange;
  GreetingScript greeting{{}, {}};

  std::optional<Shared> shared;
  std::optional<ClusterLanes<Lane>> lanes;
  std::optional<OpRecorder> recorder;
  std::optional<OpEncoder> encoder;
  std::optional<Settler> settler;
  std::optional<Placer> placer;
  std::deque<OutBuffer> outs;

  PartsRig() {
    plan.keys = 1000;
    plan.valueSize = 30;
    plan.rate = 1000;
    plan.conns = 2;
    plan.warmup = 0;
    plan.duration = kSecond;
  }

  /// Makes the parts of `plan`, with all connections ready; the window begins at 0.
  void begin() {
    shared.emplace(plan, cluster);
    lanes.emplace(cluster, plan.target,
                  LaneSetup{plan.conns, plan.batchSize(), &greeting, nullptr, cluster != nullptr},
                  ClusterLanes<Lane>::Options{});
    if (cluster != nullptr) lanes->adoptLatest(0);
    recorder.emplace(plan, *lanes, exchange);
    encoder.emplace(*shared);
    settler.emplace(*shared, *encoder, *lanes, *recorder, nullptr, nullptr);
    placer.emplace(*shared, 0, *encoder, *lanes, *recorder, *settler, nullptr, nullptr);
    recorder->start(plan.windowFrom(0));
    recorder->addNodes();
    placer->start(0);
    for (const auto& lane : lanes->all())
      for (Connection& c : lane->connections()) makeReady(c);
  }
  void makeReady(Connection& c) {
    c.out = &outs.emplace_back();
    c.state = Link::State::ready;
    c.lane->onOpened(c);
    c.lane->release(c, 0);
  }

  void place(Nanos now) {
    placer->place(now, recorder->window().measureEnd);
    placer->stamp(now);
  }
  /// Takes the bytes of the complete batches, in the order in which they would be sent.
  std::string sent() {
    std::string bytes;
    for (Connection* const c : placer->complete()) {
      bytes += c->out->view();
      c->out->clear();
    }
    placer->clearComplete();
    return bytes;
  }
  /// `bytes` arrive on the connection: whole replies.
  void reply(Connection& c, std::string_view bytes, Nanos now) {
    ReplyView reply;
    while (!bytes.empty() && c.scanner.next(bytes, reply) == ReplyScanner::Status::complete) {
      settler->onReply(c, reply, now);
      bytes.remove_prefix(reply.size);
    }
  }
  Connection& connection(std::size_t i = 0, std::size_t lane = 0) {
    return (*lanes)[lane].connections()[i];
  }
  Counters& counters() { return recorder->counters(); }
};

}  // namespace redline
