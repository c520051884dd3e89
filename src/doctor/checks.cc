#include "doctor/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <set>

#include "base/shell.h"
#include "server/admin.h"

namespace redline {
namespace {

const std::array kServerChecks{
    ServerCheck{"limit", "memory limit", Source::info, judgeLimit},
    ServerCheck{"policy", "eviction policy", Source::info, judgePolicy},
    ServerCheck{"replicas", "replicas", Source::info, judgeReplicas},
    ServerCheck{"replica-link", "link to the master", Source::info, judgeReplicaLink},
    ServerCheck{"last-writes", "snapshots and AOF writes", Source::info, judgeLastWrites},
    ServerCheck{"fork", "memory for forks", Source::info, judgeFork},
    ServerCheck{"append-only", "append-only file", Source::settings, judgeAppendOnly},
    ServerCheck{"disk", "disk", Source::settings, judgeServersDisk},
    ServerCheck{"clients", "connections", Source::info, judgeClients},
    ServerCheck{"buffers", "output buffers", Source::clients, judgeBuffers},
    ServerCheck{"save-points", "save points", Source::settings, judgeSavePoints},
    ServerCheck{"backlog", "replication backlog", Source::info, judgeBacklog},
    ServerCheck{"main-thread", "main thread", Source::info, judgeMainThread},
    ServerCheck{"core", "core of the main thread", Source::info, judgeCore},
    ServerCheck{"swapped", "swapped memory", Source::info, judgeSwapped},
    ServerCheck{"eviction", "evictions", Source::info, judgeEviction},
    ServerCheck{"slow-commands", "slow commands", Source::slowLog, judgeSlowCommands},
    ServerCheck{"big-keys", "big keys", Source::keys, judgeBigKeys},
    ServerCheck{"hot-keys", "hot keys", Source::keys, judgeHotKeys},
    ServerCheck{"full-slots", "keys by slot", Source::slots, judgeFullSlots},
};

struct SourceText {
  std::string_view name, title;  ///< what the server withholds
  std::string_view rule;         ///< of ACL SETUSER
};
constexpr std::array<SourceText, 6> kSources{
    {{"withheld-info", "INFO", "+info"},
     {"withheld-settings", "settings", "+config|get"},
     {"withheld-slow-log", "slow log", "+slowlog|get"},
     {"withheld-clients", "clients", "+client|list"},
     {"withheld-keys", "keys",
      "+randomkey +scan +memory|usage +object|freq +type +hlen +llen +scard +zcard +xlen ~*"},
     {"withheld-slots", "keys by slot", "+cluster|countkeysinslot"}}};

/// The server's words for what it withholds; none: it does not, or it was not asked.
std::optional<std::string> refusalOf(const ServerFacts& server, Source source) {
  const auto from = [](const auto& result) {
    return result ? std::nullopt : std::optional(result.error().message);
  };
  switch (source) {
    case Source::info:
      return server.info.withheld.empty() ? std::nullopt : std::optional(server.info.withheld);
    case Source::settings:
      return from(server.settings);
    case Source::slowLog:
      return from(server.slowLog);
    case Source::clients:
      return from(server.clients);
    case Source::keys:
      return server.keys ? from(*server.keys) : std::nullopt;
    case Source::slots:
      return server.slots ? from(*server.slots) : std::nullopt;
  }
  return std::nullopt;
}

bool wasAsked(const ServerFacts& server, Source source) {
  if (source == Source::keys) return server.keys.has_value();
  return source != Source::slots || server.slots.has_value();
}

std::string healLine(std::string_view stack) {
  return shellLine({"redline", "stack", "heal", std::string(stack)});
}

/// What cannot be known without one source.
CheckResult unknowable(const ServerFacts& server, Source source, const std::string& refusal) {
  std::vector<std::string_view> titles;
  for (const ServerCheck& check : kServerChecks)
    if (check.source == source) titles.push_back(check.title);
  const SourceText& text = kSources[static_cast<std::size_t>(source)];
  return {std::string(text.name),
          std::string(text.title),
          server.endpoint.text(),
          {Severity::unknown,
           refusal,
           fmt::format("cannot be known: {}", fmt::join(titles, ", ")),
           nullptr,
           {wayToKnow(refusal, text.rule)}}};
}

}  // namespace

std::span<const ServerCheck> serverChecks() {
  return kServerChecks;
}

std::vector<CheckResult> checkServer(const ServerFacts& server, const DoctorFacts& facts) {
  const std::string subject = server.endpoint.text();
  if (!server.problem.empty())
    return {{"answer",
             "answers",
             subject,
             {Severity::dangerous,
              server.problem,
              "what it holds is not served",
              nullptr,
              {server.stack.empty() ? "see its log, and restart it if it does not run"
                                    : healLine(server.stack)}}}};
  std::vector<CheckResult> results;
  // Without INFO nothing can be judged.
  if (const auto refusal = refusalOf(server, Source::info))
    return {unknowable(server, Source::info, *refusal)};
  for (const Source source :
       {Source::settings, Source::slowLog, Source::clients, Source::keys, Source::slots})
    if (const auto refusal = refusalOf(server, source))
      results.push_back(unknowable(server, source, *refusal));
  for (const ServerCheck& check : kServerChecks) {
    if (!wasAsked(server, check.source) || refusalOf(server, check.source)) continue;
    if (auto judgement = check.judge(server, facts))
      results.push_back(
          {std::string(check.name), std::string(check.title), subject, std::move(*judgement)});
  }
  return results;
}

std::vector<CheckResult> examine(const DoctorFacts& facts) {
  std::vector<CheckResult> results = checkCluster(facts);
  // One check after the other, so that what several servers share stands together.
  std::vector<CheckResult> ofServers;
  for (const ServerFacts& server : facts.servers)
    std::ranges::move(checkServer(server, facts), std::back_inserter(ofServers));
  const auto place = [](const CheckResult& result) {
    return std::ranges::find(kServerChecks, result.check, &ServerCheck::name) -
           kServerChecks.begin();
  };
  std::ranges::stable_sort(ofServers, {}, place);
  std::ranges::move(ofServers, std::back_inserter(results));
  std::ranges::move(checkMachine(facts), std::back_inserter(results));
  std::ranges::stable_sort(results, {},
                           [](const CheckResult& result) { return result.judgement.severity; });
  return results;
}

std::string redisCli(const ServerFacts& server, const std::vector<std::string>& words) {
  std::vector<std::string> line{"redis-cli"};
  const Endpoint& at = server.endpoint;
  if (at.isUnix()) {
    line.insert(line.end(), {"-s", at.unixPath});
  } else {
    if (at.host != "127.0.0.1") line.insert(line.end(), {"-h", at.host});
    line.insert(line.end(), {"-p", std::to_string(at.port)});
    if (server.tls) line.emplace_back("--tls");
  }
  line.insert(line.end(), words.begin(), words.end());
  return shellLine(line);
}

std::string wayToKnow(std::string_view refusal, std::string_view rules) {
  if (!isUnknownCommand(refusal)) return fmt::format("ACL SETUSER <user> {}", rules);
  return "the server has renamed or disabled that command: no ACL changes it; remove its "
         "rename-command from redis.conf and restart the server";
}

std::vector<std::string> healLines(const DoctorFacts& facts) {
  std::set<std::string> stacks;
  for (const ServerFacts& server : facts.servers) {
    if (server.stack.empty()) continue;
    const ClusterMember* const member = facts.cluster && facts.cluster->view
                                            ? facts.cluster->view->byEndpoint(server.endpoint)
                                            : nullptr;
    if (!server.problem.empty() || (member != nullptr && member->failed))
      stacks.insert(server.stack);
  }
  std::vector<std::string> lines;
  std::ranges::transform(stacks, std::back_inserter(lines), healLine);
  return lines;
}

std::string configSet(const ServerFacts& server, std::string_view name, std::string_view value) {
  if (server.lacksConfig())
    return fmt::format(
        "in its redis.conf, before it is restarted (it has renamed or disabled CONFIG): {} {}",
        name, value);
  return redisCli(server, {"CONFIG", "SET", std::string(name), std::string(value)});
}

}  // namespace redline
