#include "engine/loading.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "engine/out_of_memory.h"
#include "engine/thread_usage.h"
#include "transport/transport.h"

namespace redline {
namespace {

void add(LoadCounters& to, const LoadCounters& from) {
  to.keysSent += from.keysSent;
  to.batches += from.batches;
  to.commands += from.commands;
  to.bytesSent += from.bytesSent;
  to.reconnects += from.reconnects;
  to.resentKeys += from.resentKeys;
  to.moved += from.moved;
  to.ask += from.ask;
  to.tryagain += from.tryagain;
  to.clusterdown += from.clusterdown;
  to.passes += from.passes;
  to.idlePasses += from.idlePasses;
}

}  // namespace

struct Loading::Impl {
  LoadPlan plan;
  LoadShared shared;
  SteadyClock clock;

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  unsigned running = 0;
  LoadOutcome outcome;
  std::vector<std::thread> threads;

  Impl(const LoadPlan& loadPlan, LiveSlotMap* cluster) : plan(loadPlan), shared(plan, cluster) {
    outcome.resumeFrom = plan.keys;
  }

  void work(unsigned index) {
    Status ended = withinMemory([&] { return workOn(index); });
    if (!ended) shared.stop = true;
    const ThreadUsage usage = readThreadUsage();
    const std::lock_guard lock(mutex);
    outcome.cpuUser += usage.user;
    outcome.cpuSystem += usage.system;
    outcome.end = std::max(outcome.end, clock.now());
    if (!ended && outcome.status) outcome.status = std::move(ended);
    --running;
    changed.notify_all();
  }

  Status workOn(unsigned index) {
    if (!plan.cpus.empty())
      if (auto pinned = pinThisThread(plan.cpus[index % plan.cpus.size()]); !pinned) return pinned;
    auto transport = makeTransport(plan.io, plan.credentials.tls);
    if (!transport) return fail(transport.error());
    LoadWorker worker(shared, index, **transport, clock);
    Status ended = worker.run();
    const std::lock_guard lock(mutex);
    outcome.io = (*transport)->name();
    outcome.resumeFrom = std::min(outcome.resumeFrom, worker.lowestUnfinished());
    add(outcome.counters, worker.counters());
    outcome.cluster.merge(worker.clusterTally());
    return ended;
  }
};

Loading::Loading(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Loading::~Loading() {
  stop();
  for (auto& thread : impl_->threads)
    if (thread.joinable()) thread.join();
}

std::unique_ptr<Loading> Loading::start(const LoadPlan& plan, LiveSlotMap* cluster) {
  std::unique_ptr<Loading> loading(new Loading(std::make_unique<Impl>(plan, cluster)));
  Impl& impl = *loading->impl_;
  impl.running = plan.threads;
  impl.outcome.threads = plan.threads;
  impl.outcome.begin = impl.clock.now();
  for (unsigned i = 0; i < plan.threads; ++i)
    impl.threads.emplace_back([&impl, i] { impl.work(i); });
  return loading;
}

std::uint64_t Loading::done() const {
  return impl_->shared.done.load(std::memory_order_relaxed);
}

bool Loading::running() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->running != 0;
}

bool Loading::waitFor(Nanos span) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, std::chrono::nanoseconds(span),
                                 [this] { return impl_->running == 0; });
}

void Loading::stop() {
  impl_->shared.stop = true;
}

LoadOutcome Loading::join() {
  for (auto& thread : impl_->threads)
    if (thread.joinable()) thread.join();
  LoadOutcome outcome = std::move(impl_->outcome);
  outcome.done = done();
  // What was never handed out is not written either.
  outcome.resumeFrom = std::min(outcome.resumeFrom, impl_->shared.blocks.frontier());
  return outcome;
}

}  // namespace redline
