#include "run/load_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "record/server_figures.h"

namespace redline {
namespace {

std::uint64_t evictedSince(const LoadServer& server) {
  if (!server.stores || !server.after) return 0;
  const double more = server.after->number("evicted_keys") - server.before.number("evicted_keys");
  return more > 0 ? static_cast<std::uint64_t>(more) : 0;
}

// "1200000 of 3000000 keys are written: resume with -from=1200000 -ttl-epoch=1767225600.25".
std::string resumeHint(const LoadRunPlan& plan, const LoadOutcome& outcome,
                       const std::vector<LoadServer>& servers) {
  const LoadPlan& load = plan.load;
  const std::string epoch = load.ttlFraction > 0 ? " -ttl-epoch=" + epochText(load) : "";
  std::string text = fmt::format("{} of {} keys are written", outcome.done, load.keys - load.from);
  for (const LoadServer& server : servers)
    if (const std::uint64_t evicted = evictedSince(server); evicted != 0)
      return text + fmt::format(", and {} has evicted {} since: load again with -from={}{}",
                                server.addr, evicted, load.from, epoch);
  if (outcome.resumeFrom == load.from)
    return text + fmt::format(": load again with -from={}{}", load.from, epoch);
  text += fmt::format(": resume with -from={}{}", outcome.resumeFrom, epoch);
  const std::uint64_t below = outcome.resumeFrom - load.from;
  if (outcome.done > below)
    text += fmt::format(" (all keys below that are written, and {} above)", outcome.done - below);
  return text;
}

std::string runIdOf(const ServerSample& sample) {
  const auto found = sample.info.find("run_id");
  return found == sample.info.end() ? std::string() : found->second;
}

// Whether what was acknowledged is there: a server that stored keys has gone, restarted, or became
// a replica.
Status whatIsLost(const LoadRunPlan& plan, const std::vector<LoadServer>& servers) {
  const auto loadAgain = [&plan](const LoadServer& server, std::string_view what) {
    return fail(ErrorCode::unreachable, "{} {}: load again with -from={}", server.addr, what,
                plan.load.from);
  };
  for (const LoadServer& server : servers) {
    if (!server.stores) continue;
    if (!server.answers()) {
      if (!plan.load.cluster())
        return fail(ErrorCode::unreachable, "{} no longer answers after the load: see its log",
                    server.addr);
      return loadAgain(server,
                       "no longer answers, and its last acknowledged writes may not have reached "
                       "its replica; when the cluster is complete");
    }
    if (!server.after) continue;
    if (runIdOf(server.before) != runIdOf(*server.after))
      return loadAgain(server, "restarted during the load and may have lost earlier keys");
    if (server.before.role == "master" && server.after->role != "master")
      return loadAgain(server,
                       "was replaced as a master during the load, and its last acknowledged writes "
                       "may not have reached its replica");
  }
  return {};
}

RateFigures loadRate(const LoadPlan& load, const LoadOutcome& outcome) {
  RateFigures rate;
  rate.scheduled = load.keys - load.from;
  rate.completed = outcome.done;
  rate.sent = outcome.counters.keysSent - outcome.counters.resentKeys;
  rate.outstanding = rate.scheduled - rate.completed;
  const double span = toSeconds(outcome.end - outcome.begin);
  rate.achieved = span > 0 ? static_cast<double>(outcome.done) / span : 0;
  return rate;
}

GeneratorFigures loadGenerator(const LoadPlan& load, const LoadOutcome& outcome, double steal) {
  GeneratorFigures figures;
  figures.threads = outcome.threads;
  figures.io = outcome.io;
  figures.wait = outcome.io == "pipe" ? "block" : waitName(load.wait);
  figures.cpuUserS = toSeconds(outcome.cpuUser);
  figures.cpuSystemS = toSeconds(outcome.cpuSystem);
  const double cpu = figures.cpuUserS + figures.cpuSystemS;
  const double wall = toSeconds(outcome.end - outcome.begin) * outcome.threads;
  figures.utilisation = wall > 0 ? cpu / wall : 0;
  const LoadCounters& counters = outcome.counters;
  if (outcome.done != 0) figures.cpuUsPerOp = cpu * 1e6 / static_cast<double>(outcome.done);
  if (counters.batches != 0)
    figures.meanBatch =
        static_cast<double>(counters.keysSent) / static_cast<double>(counters.batches);
  figures.steal = steal;
  figures.reconnects = counters.reconnects;
  figures.retried = counters.resentKeys;
  return figures;
}

}  // namespace

std::string epochText(const LoadPlan& load) {
  const std::int64_t millis = load.ttlEpochMillis;
  std::string text = fmt::format("{}.{:03}", millis / 1000, millis % 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

Status endOf(const LoadRunPlan& plan, const LoadOutcome& outcome, bool interrupted,
             const std::vector<LoadServer>& servers) {
  const auto gone = [](const LoadServer& server) { return server.stores && !server.answers(); };
  const bool someGone = std::ranges::any_of(servers, gone);
  Status lost = whatIsLost(plan, servers);
  const std::string hint = resumeHint(plan, outcome, servers);
  if (interrupted && someGone && outcome.status && !plan.load.cluster())
    return fail(ErrorCode::interrupted,
                "interrupted, and {} does not answer (is it paused?); when it continues: {}",
                std::ranges::find_if(servers, gone)->addr, hint);
  if (someGone && !outcome.status && outcome.status.error().code == ErrorCode::unreachable &&
      outcome.resumeFrom != plan.load.from)
    return fail(ErrorCode::unreachable,
                "{}; {}, if it comes back with its data (without persistence: -from={})",
                outcome.status.error().message, hint, plan.load.from);
  if (!lost && !(someGone && !outcome.status)) return lost;
  if (!outcome.status) {
    Error error = outcome.status.error();
    if (error.code != ErrorCode::usage) error.message += "; " + hint;
    return fail(std::move(error));
  }
  if (outcome.resumeFrom == plan.load.keys) return {};  // a signal came when all was done
  if (interrupted) return fail(ErrorCode::interrupted, "interrupted; {}", hint);
  return fail(ErrorCode::io, "ended early; {}", hint);
}

void summarizeLoad(Summary& summary, const LoadPlan& load, const LoadOutcome& outcome,
                   const std::vector<LoadServer>& servers, double steal) {
  summary.windowS = toSeconds(outcome.end - outcome.begin);
  summary.rate = loadRate(load, outcome);
  summary.generator = loadGenerator(load, outcome, steal);
  for (const LoadServer& server : servers) {
    if (server.after) summary.servers.push_back(serverFigures(server.before, *server.after, steal));
  }
  summary.cluster.moved = outcome.counters.moved;
  summary.cluster.ask = outcome.counters.ask;
  summary.cluster.tryagain = outcome.counters.tryagain;
  summary.cluster.clusterdown = outcome.counters.clusterdown;
}

void addExpiredOnArrival(Summary& summary, const std::vector<LoadServer>& servers) {
  for (const LoadServer& server : servers) {
    const auto figures = std::ranges::find(summary.servers, server.addr, &ServerFigures::addr);
    if (!server.stores || !server.after || figures == summary.servers.end()) continue;
    figures->expired +=
        static_cast<std::uint64_t>(server.after->number("rdb_last_load_keys_expired"));
  }
}

void judgeLoad(Summary& summary, const LoadRunPlan& plan, const Status& status) {
  const auto invalid = [&](ReasonCode code, std::string text) {
    summary.valid = false;
    summary.invalidReasons.push_back({code, std::move(text)});
  };
  if (!status) invalid(ReasonCode::ended, status.error().message);
  for (const ServerFigures& server : summary.servers) {
    const std::string evicted =
        fmt::format("{} evicted {} keys: the data set is incomplete", server.addr, server.evicted);
    if (server.evicted != 0 && plan.force) summary.notes.push_back(evicted);
    if (server.evicted != 0 && !plan.force) invalid(ReasonCode::keysEvicted, evicted);
    if (server.expired != 0)
      summary.notes.push_back(
          fmt::format("{}: {} keys expired during the load", server.addr, server.expired));
  }
  const ClusterFigures& cluster = summary.cluster;
  if (cluster.moved + cluster.ask + cluster.tryagain + cluster.clusterdown != 0)
    summary.notes.push_back(
        fmt::format("redirects followed: {} MOVED, {} ASK; waited for: {} "
                    "TRYAGAIN, {} CLUSTERDOWN",
                    cluster.moved, cluster.ask, cluster.tryagain, cluster.clusterdown));
  if (summary.generator.reconnects != 0)
    summary.notes.push_back(fmt::format("connections were lost and opened again {} times",
                                        summary.generator.reconnects));
  if (summary.generator.retried != 0)
    summary.notes.push_back(fmt::format("{} keys were sent again", summary.generator.retried));
}

}  // namespace redline
