#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "doctor/checks.h"

namespace redline::test {

inline constexpr std::uint64_t kGigabyte = 1ULL << 30;

/// A master on this machine that is set up well: a cache with a limit, a policy and a replica.
class FactsBuilder {
 public:
  FactsBuilder() {
    facts_.machine.host.memoryTotal = 16 * kGigabyte;
    facts_.machine.host.memoryAvailable = 10 * kGigabyte;
    facts_.machine.host.cores = 4;
    facts_.machine.host.hugePages = "madvise";
    facts_.machine.host.overcommit = 1;
    facts_.machine.clockSource = "tsc";
    facts_.machine.clockRead = 30;
    ServerFacts& server = facts_.servers.emplace_back();
    server.endpoint = {"127.0.0.1", 7600, {}};
    server.here = true;
    server.watched = 2 * kSecond;
    server.settings = ServerFacts::Settings{{"save", ""},
                                            {"appendonly", "no"},
                                            {"maxmemory-clients", "0"},
                                            {"client-output-buffer-limit",
                                             "normal 0 0 0 slave 268435456 67108864 60 pubsub "
                                             "33554432 8388608 60"}};
    info("role", "master").info("connected_slaves", "1").info("maxmemory", "4294967296");
    info("maxmemory_policy", "allkeys-lru").info("used_memory", "1073741824");
    info("used_memory_rss", "1181116006").info("aof_enabled", "0");
    info("rdb_last_bgsave_status", "ok").info("aof_last_write_status", "ok");
    info("connected_clients", "50").info("maxclients", "10000").info("latest_fork_usec", "18400");
    info("mem_clients_normal", "1048576").info("repl_backlog_size", "268435456");
    keyspace(1'000'000, 300'000);
  }

  /// The field in both readings.
  FactsBuilder& info(const std::string& field, const std::string& text) {
    server().info.fields[field] = text;
    server().before.fields[field] = text;
    return *this;
  }
  /// A counter that grew that much a second.
  FactsBuilder& rate(const std::string& field, double perSecond) {
    server().before.fields[field] = "1000";
    server().info.fields[field] = fmt::format("{}", 1000 + perSecond * toSeconds(server().watched));
    return *this;
  }
  FactsBuilder& setting(const std::string& name, const std::string& text) {
    (*server().settings)[name] = text;
    return *this;
  }
  FactsBuilder& keyspace(std::uint64_t keys, std::uint64_t expires) {
    server().info.keyspace[0] = {keys, expires, 0};
    return *this;
  }
  FactsBuilder& cluster() {
    facts_.cluster.emplace();
    facts_.cluster->state = "ok";
    return *this;
  }

  ServerFacts& server() { return facts_.servers.front(); }
  DoctorFacts& facts() { return facts_; }

  std::optional<Diagnosis> judge(std::optional<Diagnosis> (*check)(const ServerFacts&,
                                                                   const DoctorFacts&)) {
    return check(server(), facts_);
  }

 private:
  DoctorFacts facts_;
};

inline std::optional<CheckResult> find(const std::vector<CheckResult>& results,
                                       std::string_view check) {
  for (const CheckResult& result : results)
    if (result.check == check) return result;
  return std::nullopt;
}

}  // namespace redline::test
