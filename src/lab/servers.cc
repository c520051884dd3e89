#include "lab/servers.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "base/units.h"
#include "os/files.h"
#include "server/host.h"
#include "server/own_servers.h"
#include "server/stack_state.h"

namespace redline {
namespace fs = std::filesystem;

LabServers::LabServers(const std::vector<LabStack>& stacks, const LabOptions& options,
                       const LabTools& tools, const LabWatcher& watcher, const fs::path& directory)
    : plans_(stacks), options_(options), tools_(tools), watcher_(watcher), directory_(directory) {}

LabServers::~LabServers() {
  running_.clear();
  tellServers();
}

void LabServers::tellServers() const {
  if (!watcher_.servers) return;
  std::vector<Endpoint> all;
  for (const auto& [name, running] : running_)
    std::ranges::copy(running->stack.endpoints(), std::back_inserter(all));
  watcher_.servers(all);
}

Result<LabServers::Up> LabServers::need(const std::string& name, bool fresh, RunRecord& record) {
  if (fresh) drop(name);
  if (const auto found = running_.find(name); found != running_.end()) return found->second->up;
  const auto plan = std::ranges::find(plans_, name, &LabStack::name);
  auto up = start(*plan, record);
  watcher_.status("");
  if (!up) drop(name);
  return up;
}

Result<LabServers::Up> LabServers::start(const LabStack& plan, RunRecord& record) {
  watcher_.status(fmt::format("starting {}", plan.name));
  FlagPlaces places;
  places.cpus = options_.cpus;
  Flags flags = stackFlags(plan.up);
  flags.insert(flags.end(), options_.engine.begin(), options_.engine.end());
  const auto stackOptions = tools_.stack(filled(flags, places));
  if (!stackOptions) return fail(stackOptions.error());
  ScopedStackOptions scoped;
  scoped.node = stackOptions->node;
  if (stackOptions->topology == "cluster") scoped.cluster = stackOptions->cluster;
  scoped.tls = stackOptions->tls;
  scoped.compose = stackOptions->compose;
  scoped.startTimeout = stackOptions->startTimeout;
  scoped.parent = options_.stacks;
  scoped.backing = stackOptions->backing;
  // As `stack up` has it, so that the command in the report gives the same server.
  if (scoped.node.maxmemory == 0)
    scoped.node.maxmemory =
        defaultMaxmemory(readHost(0).memoryAvailable, scoped.cluster ? scoped.cluster->nodes() : 1);
  auto stack = ScopedStack::start(scoped);
  if (!stack)
    return fail(stack.error().code, "cannot start {}: {}", plan.name, stack.error().message);
  auto running = std::make_unique<Running>(Running{std::move(*stack), {}});
  for (const Endpoint& endpoint : running->stack.endpoints()) {
    places.nodes.push_back(endpoint.text());
    places.addr += (places.addr.empty() ? "" : ",") + endpoint.text();
  }
  places.unixAddr = running->stack.node().unixEndpoint().text();
  running->up.places = places;
  running->up.stack = &running->stack;
  running->up.commands.push_back(stackCommand(filled(flags, placesForPeople(options_.cpus))));
  ++starts_[plan.name];
  Running& kept = *running;
  running_.insert_or_assign(plan.name, std::move(running));
  tellServers();
  if (auto loaded = load(plan, kept); !loaded) return fail(loaded.error());
  if (plan.prepare) {
    watcher_.status(fmt::format("preparing {}", plan.name));
    RunRecord prepared;
    Bench bench(kept.stack, directory_ / "stacks" / plan.name, options_.cpus, prepared,
                watcher_.interrupted);
    if (auto status = plan.prepare(bench); !status)
      return fail(status.error().code, "cannot prepare {}: {}", plan.name, status.error().message);
    std::ranges::move(prepared.figures, std::back_inserter(record.figures));
    std::ranges::move(prepared.notes, std::back_inserter(record.notes));
    std::ranges::move(prepared.commands, std::back_inserter(kept.up.commands));
  }
  return kept.up;
}

Status LabServers::load(const LabStack& plan, Running& running) {
  if (plan.load.empty()) return {};
  auto run = tools_.load(filled(clientFlags(plan.load), running.up.places));
  if (!run) return fail(run.error());
  running.up.load = fmt::format("stacks/{}/load-{}", plan.name, starts_[plan.name]);
  running.up.commands.push_back(
      loaderCommand(filled(clientFlags(plan.load), placesForPeople(options_.cpus))));
  run->out = directory_ / running.up.load;
  run->own = ownServers(running.stack);
  std::error_code none;
  fs::remove_all(run->out, none);  // of a start that was broken off
  LoadWatcher watcher;
  watcher.onNote = [this](const std::string& note) { watcher_.line("note: " + note); };
  watcher.onProgress = [&](const LoadProgress& at) {
    watcher_.status(fmt::format("loading {}: {} of {} keys", plan.name,
                                formatCount(static_cast<double>(at.done)),
                                formatCount(static_cast<double>(run->load.keys))));
  };
  watcher.onStoreRows = [&](const LoadProgress& at) {
    watcher_.status(fmt::format("filling the store of {}: {} of {} rows", plan.name,
                                formatCount(static_cast<double>(at.done)),
                                formatCount(static_cast<double>(run->load.keys))));
  };
  watcher.interrupted = watcher_.interrupted;
  if (const auto filled = fillStore(*run, watcher); !filled)
    return fail(filled.error().code, "cannot fill the store of {}: {}", plan.name,
                filled.error().message);
  if (run->store == StoreFill::only) return {};
  const auto outcome = runLoad(*run, watcher);
  if (!outcome)
    return fail(outcome.error().code, "cannot load {}: {}", plan.name, outcome.error().message);
  if (!outcome->status)
    return fail(outcome->status.error().code, "loading {}: {}", plan.name,
                outcome->status.error().message);
  const LoadFigures& how = outcome->summary.load;
  running.up.loadMethod = fmt::format("{}: {}", how.method, how.reason);
  return {};
}

void LabServers::drop(const std::string& name) {
  const auto found = running_.find(name);
  if (found == running_.end()) return;
  keepLogs(name, found->second->stack);
  running_.erase(found);
  tellServers();
}

void LabServers::keepLogs(const std::string& name, const ScopedStack& stack) {
  const fs::path servers = directory_ / "stacks" / name / fmt::format("servers-{}", starts_[name]);
  // Evidence for people: a lab does not fail for want of it.
  const auto keep = [&](const fs::path& to, std::initializer_list<fs::path> files) {
    if (const auto made = createDirectory(to); !made) return watcher_.line(made.error().message);
    for (const fs::path& file : files)
      if (const auto text = readWholeFile(file); text && !text->empty())
        (void)writeWholeFile(to / file.filename(), *text);
  };
  for (std::size_t i = 0; i < stack.size(); ++i) {
    const NodeConfig& config = stack.node(i).config();
    keep(servers / fmt::format("node-{}", config.port),
         {config.configPath(), config.logPath(), config.outputPath()});
  }
  if (const PostgresServer* const store = stack.backing())
    keep(servers / "postgres", {store->config().configPath(), store->config().logPath()});
}

}  // namespace redline
