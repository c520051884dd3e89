#include "engine/engine.h"

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/affinity.h"
#include "engine/core_keeper.h"
#include "engine/out_of_memory.h"
#include "engine/worker.h"
#include "transport/transport.h"
#include "transport/waker.h"

namespace redline {
namespace {

constexpr Nanos kConnectDeadline = 10 * kSecond;

}  // namespace

struct Engine::Impl {
  EnginePlan plan;
  Shared shared;
  Recorder& recorder;
  SteadyClock clock;

  std::mutex mutex;
  std::condition_variable changed;
  unsigned connected = 0;
  unsigned running = 0;
  bool abandoned = false;
  std::optional<Window> window;
  Status status;  // the first failure
  std::string io;
  std::string realtimeRefused;
  std::vector<SendLog> sendLogs;  // by worker
  std::vector<std::thread> threads;
  std::list<CoreKeeper> keepers;  ///< with WaitMode::realtime, of the workers' CPUs

  ClusterTally tally;

  LocalCacheTally localCaches;

  std::vector<Waker> wakers;  ///< by worker: of replies from the store
  std::optional<StoreDesk> desk;

  Impl(EnginePlan enginePlan, Recorder& theRecorder, LiveSlotMap* cluster,
       const Mitigations* mitigations)
      : plan(std::move(enginePlan)),
        shared(plan, cluster, mitigations),
        recorder(theRecorder),
        sendLogs(plan.threads) {}

  Status openDesk(Store& store) {
    desk.emplace(store);
    desk->tokenPrefix = std::random_device{}();
    wakers.reserve(plan.threads);
    for (unsigned i = 0; i < plan.threads; ++i) {
      auto waker = Waker::make();
      if (!waker) return fail(waker.error());
      wakers.push_back(std::move(*waker));
      desk->inboxes.push_back(std::make_unique<StoreInbox>([&to = wakers.back()] { to.wake(); }));
    }
    shared.desk = &*desk;
    return {};
  }

  void work(unsigned index) {
    const Status result = withinMemory([&] { return workOn(index); });
    if (!result) shared.stop(clock.now());
    const std::lock_guard lock(mutex);
    if (!result && status) status = result;
    --running;
    changed.notify_all();
  }

  Status workOn(unsigned index) {
    ::prctl(PR_SET_TIMERSLACK, 1UL);  // wake when asked to, not up to 50 µs later
    if (!plan.cpus.empty())
      if (auto pinned = pinThisThread(plan.cpus[index % plan.cpus.size()]); !pinned) return pinned;
    if (plan.wait == WaitMode::realtime) {
      if (auto first = runBeforeOrdinaryThreads(); !first) {
        const std::lock_guard lock(mutex);
        realtimeRefused = first.error().message;
      }
    }
    auto transport = makeTransport(plan.io, plan.credentials.tls);
    if (!transport) return fail(transport.error());
    if (desk)
      if (auto watched = (*transport)->watch(wakers[index]); !watched) return watched;
    Worker worker(shared, index, **transport, clock, recorder.exchange(index));
    if (auto up = worker.connect(clock.now() + kConnectDeadline); !up) return up;
    if (plan.logSends) worker.logSendsTo(sendLogs[index]);
    const auto begin = awaitGo(std::string((*transport)->name()));
    if (!begin) return {};
    Status ended = worker.run(*begin);
    const std::lock_guard lock(mutex);
    if (shared.cluster != nullptr) tally.merge(worker.clusterTally());
    worker.addTo(localCaches);
    return ended;
  }

  std::optional<Window> awaitGo(std::string ioName) {
    std::unique_lock lock(mutex);
    io = std::move(ioName);
    ++connected;
    changed.notify_all();
    changed.wait(lock, [this] { return window.has_value() || abandoned; });
    return abandoned ? std::nullopt : window;
  }
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->window) impl_->abandoned = true;
  }
  impl_->changed.notify_all();
  stop();
  (void)join();
}

Result<std::unique_ptr<Engine>> Engine::connect(const EnginePlan& plan, Recorder& recorder,
                                                LiveSlotMap* cluster,
                                                const Mitigations* mitigations, Store* store) {
  std::unique_ptr<Engine> engine(
      new Engine(std::make_unique<Impl>(plan, recorder, cluster, mitigations)));
  Impl& impl = *engine->impl_;
  if (store != nullptr)
    if (auto open = impl.openDesk(*store); !open) return fail(open.error());
  impl.running = plan.threads;
  if (plan.wait == WaitMode::realtime)
    for (const int cpu : std::set(plan.cpus.begin(), plan.cpus.end()))
      impl.keepers.emplace_back(cpu);
  for (unsigned i = 0; i < plan.threads; ++i)
    impl.threads.emplace_back([&impl, i] { impl.work(i); });
  std::unique_lock lock(impl.mutex);
  impl.changed.wait(lock, [&] { return impl.connected == plan.threads || !impl.status; });
  if (!impl.status) {
    const Error error = impl.status.error();
    lock.unlock();
    return fail(error);
  }
  lock.unlock();
  return engine;
}

Window Engine::go(Nanos start) {
  const Window window = impl_->plan.windowFrom(start);
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->window = window;
  }
  impl_->changed.notify_all();
  return window;
}

void Engine::stop() {
  impl_->shared.stop(impl_->clock.now());
}

bool Engine::running() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->running != 0;
}

Status Engine::join() {
  for (auto& thread : impl_->threads)
    if (thread.joinable()) thread.join();
  impl_->keepers.clear();
  return impl_->status;
}

Window Engine::window() const {
  Window window = impl_->window.value_or(Window{});
  const Nanos stopAt = impl_->shared.stopAt.load();
  if (stopAt < window.measureEnd) {
    window.measureEnd = stopAt;
    window.measureStart = std::min(window.measureStart, stopAt);
  }
  return window;
}

std::vector<SendLog*> Engine::sendLogs() {
  std::vector<SendLog*> all;
  for (SendLog& log : impl_->sendLogs) all.push_back(&log);
  return all;
}

const ClusterTally& Engine::clusterTally() const {
  return impl_->tally;
}

const LocalCacheTally& Engine::localCaches() const {
  return impl_->localCaches;
}

const std::string& Engine::io() const {
  return impl_->io;
}

const std::string& Engine::realtimeRefused() const {
  return impl_->realtimeRefused;
}

}  // namespace redline
