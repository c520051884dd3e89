#include "lab/hot_key_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace redline::hot_key {
namespace {

constexpr std::string_view kHotMaster = "hot_master";

constexpr std::array<Treatment, 8> kTreatments{{
    {"none", "none", ""},
    {"local-cache", "local-cache", "-tracking=default"},
    {"local-cache-bcast", "local-cache", "-tracking=bcast"},
    {"key-split", "key-split", "-split=spread"},
    {"key-split-tag", "key-split", "-split=tag"},
    {"replica-random", "replica-read", "-replica-policy=random"},
    {"replica-nearest", "replica-read", "-replica-policy=nearest"},
    {"replica-preferred", "replica-read", "-replica-policy=replica-preferred"},
}};

const ClusterNodeFigures* nodeAt(const Summary& summary, std::string_view addr) {
  const auto found = std::ranges::find(summary.cluster.nodes, addr, &ClusterNodeFigures::addr);
  return found == summary.cluster.nodes.end() ? nullptr : &*found;
}

const ServerFigures* serverAt(const Summary& summary, std::string_view addr) {
  const auto found = std::ranges::find(summary.servers, addr, &ServerFigures::addr);
  return found == summary.servers.end() ? nullptr : &*found;
}

bool isHot(const Reading& reading, std::string_view addr) {
  return addr == reading.record.note(kHotMaster);
}

}  // namespace

const Treatment& treatmentOf(std::string_view name) {
  return *std::ranges::find(kTreatments, name, &Treatment::name);
}

Flags treatmentFlags(const Parameters& p, std::string_view name) {
  const Treatment& treatment = treatmentOf(name);
  if (treatment.mitigation == "none") return {};
  Flags flags{"-mitigation=" + std::string(treatment.mitigation), std::string(treatment.flag)};
  if (treatment.mitigation == "local-cache") flags.push_back("-cache-size=" + p.text("cache-size"));
  if (treatment.mitigation == "key-split") {
    flags.push_back("-split-ways=" + p.text("split-ways"));
    flags.push_back("-hot=top:" + p.text("split-keys"));
  }
  return flags;
}

HotWorkload workloadOf(const Parameters& p) {
  HotWorkload workload{.chooser = KeyChooser(Distribution::zipfian, p.number("zipf-s"),
                                             p.count("keys"), /*seed: the flags' default*/ 1),
                       .keys = p.count("keys"),
                       .masters = kMasters};
  workload.readShare = p.number("rw-ratio");
  workload.rate = static_cast<double>(p.count("rate"));
  workload.caches = static_cast<unsigned>(p.count("threads"));
  workload.fromS = p.seconds("warmup");
  workload.toS = workload.fromS + p.seconds("duration");
  workload.splitKeys = p.count("split-keys");
  workload.splitWays = static_cast<unsigned>(p.count("split-ways"));
  return workload;
}

Flags dataSet(const Parameters& p, const std::string& size) {
  return {"-topology=cluster", "-keys=" + p.text("keys"), "-value-size=" + size, "-ttl-frac=0"};
}

std::string stackName(const std::string& size) {
  return "cluster-" + size;
}

Action nameHotMaster(const Parameters& p) {
  return [hot = forecastHotKeys(workloadOf(p)).hotMaster](Bench& bench) -> Status {
    bench.note(std::string(kHotMaster), bench.stack().node(hot).endpoint().text());
    return {};
  };
}

Measurement ofSummary(SummaryFigure figure) {
  return [figure](const Reading& reading) {
    const Summary* const summary = reading.summary();
    return summary == nullptr || summary->windowS <= 0 ? kNaN : figure(*summary, reading);
  };
}

double requestsOf(const Summary& summary) {
  double sum = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes) sum += static_cast<double>(node.ops);
  return sum;
}

double hotRequests(const Summary& summary, const Reading& reading) {
  const auto* const node = nodeAt(summary, reading.record.note(kHotMaster));
  return node == nullptr ? kNaN : static_cast<double>(node->ops) / summary.windowS;
}

double hotShare(const Summary& summary, const Reading& reading) {
  return hotRequests(summary, reading) * summary.windowS / requestsOf(summary);
}

double hottestSlotShare(const Summary& summary, const Reading&) {
  if (summary.cluster.hotSlots.empty()) return kNaN;
  return static_cast<double>(summary.cluster.hotSlots.front().ops) / requestsOf(summary);
}

double busiestRequests(const Summary& summary, const Reading&) {
  if (summary.cluster.nodes.empty()) return kNaN;
  const auto& node = std::ranges::max(summary.cluster.nodes, {}, &ClusterNodeFigures::ops);
  return static_cast<double>(node.ops) / summary.windowS;
}

double hotReads(const Summary& summary, const Reading& reading) {
  const auto* const server = serverAt(summary, reading.record.note(kHotMaster));
  return server == nullptr
             ? kNaN
             : std::max(1.0, static_cast<double>(server->hits + server->misses)) / summary.windowS;
}

double hotCpu(const Summary& summary, const Reading& reading) {
  const auto* const server = serverAt(summary, reading.record.note(kHotMaster));
  return server == nullptr ? kNaN : (server->cpuUserS + server->cpuSystemS) / summary.windowS;
}

double hotBusy(const Summary& summary, const Reading& reading) {
  const auto* const server = serverAt(summary, reading.record.note(kHotMaster));
  return server == nullptr ? kNaN : server->mainThreadUtilisation;
}

double othersBusy(const Summary& summary, const Reading& reading) {
  double sum = 0, count = 0;
  for (const ServerFigures& server : summary.servers) {
    if (server.role != "master" || isHot(reading, server.addr)) continue;
    sum += server.mainThreadUtilisation;
    ++count;
  }
  return count > 0 ? sum / count : kNaN;
}

double othersShare(const Summary& summary, const Reading& reading) {
  double sum = 0, count = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes) {
    if (node.role != "master" || isHot(reading, node.addr)) continue;
    sum += static_cast<double>(node.ops);
    ++count;
  }
  return count > 0 ? sum / count / requestsOf(summary) : kNaN;
}

double busiestReplicaShare(const Summary& summary, const Reading&) {
  std::uint64_t most = 0;
  for (const ClusterNodeFigures& node : summary.cluster.nodes)
    if (node.role != "master") most = std::max(most, node.ops);
  return static_cast<double>(most) / requestsOf(summary);
}

double requestsForEach(const Summary& summary, const Reading&) {
  return requestsOf(summary) / static_cast<double>(summary.rate.completed);
}

}  // namespace redline::hot_key
