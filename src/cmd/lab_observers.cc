#include "cmd/lab_observers.h"

#include <system_error>

#include "server/stack_state.h"

namespace redline {
namespace {

/// A lab's servers have no stack.json; to Prometheus they are of a stack of this name.
StackState stackOf(const std::vector<Endpoint>& servers) {
  StackState stack;
  stack.name = "lab";
  for (const Endpoint& server : servers)
    stack.nodes.push_back({"node-" + std::to_string(server.port), "", server.port, {}, {}});
  return stack;
}

}  // namespace

Result<std::unique_ptr<LabObservers>> LabObservers::start(std::filesystem::path directory,
                                                          const Endpoint& page) {
  auto observers = Observers::load(std::move(directory));
  if (!observers) return fail(observers.error());
  std::unique_ptr<LabObservers> started(new LabObservers(std::move(*observers)));
  ObserveOptions options;
  options.driver = page;
  options.dieWithParent = true;
  if (auto good = started->observers_.start(stackOf({}), options, ""); !good)
    return fail(good.error());
  return started;
}

LabObservers::~LabObservers() {
  (void)observers_.stop();
  std::error_code none;
  std::filesystem::remove_all(observers_.directory(), none);
}

Status LabObservers::follow(const std::vector<Endpoint>& servers) const {
  return observers_.follow(stackOf(servers));
}

}  // namespace redline
