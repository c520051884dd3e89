#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/check_result.h"
#include "doctor/facts.h"

namespace redline {

// The checks: facts in, judgements out. They read nothing and ask nobody.

/// What a server's check reads beside INFO. Where the server withholds it, the check is not made,
/// and the report says what therefore cannot be known.
enum class Source : std::uint8_t { info, settings, slowLog, clients, keys, slots };

struct ServerCheck {
  std::string_view name;   ///< "save-points"
  std::string_view title;  ///< "save points"
  Source source = Source::info;
  /// None: it does not apply to this server.
  std::optional<Diagnosis> (*judge)(const ServerFacts& server, const DoctorFacts& facts) = nullptr;
};
/// Every check of a server.
std::span<const ServerCheck> serverChecks();

/// Of this machine; with servers, only where one of them is here.
std::vector<CheckResult> checkMachine(const DoctorFacts& facts);
/// Of one server that answered, or did not.
std::vector<CheckResult> checkServer(const ServerFacts& server, const DoctorFacts& facts);
/// Of a cluster as a whole; none without one.
std::vector<CheckResult> checkCluster(const DoctorFacts& facts);

/// All of them, the worst first; of one severity as they are listed here.
std::vector<CheckResult> examine(const DoctorFacts& facts);

/// The checks of one file each; examine() is their only caller but for tests.
std::optional<Diagnosis> judgeLimit(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgePolicy(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeEviction(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeSwapped(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeBuffers(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Diagnosis> judgeSavePoints(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeAppendOnly(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeFork(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeLastWrites(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeServersDisk(const ServerFacts& server, const DoctorFacts& facts);
/// Of a disk alone, without a server.
Diagnosis judgeDisk(const DiskFacts& disk);

std::optional<Diagnosis> judgeClients(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeMainThread(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeCore(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeSlowCommands(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Diagnosis> judgeBigKeys(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeHotKeys(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeFullSlots(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Diagnosis> judgeReplicas(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeReplicaLink(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Diagnosis> judgeBacklog(const ServerFacts& server, const DoctorFacts& facts);

/// The LFU policy that evicts what `policy` does; of noeviction, keys that expire anyway.
std::string_view lfuPolicyFor(std::string_view policy);

/// "redis-cli -p 7600 CONFIG SET maxmemory-policy allkeys-lru"; of a server without CONFIG, the
/// line for its redis.conf.
std::string configSet(const ServerFacts& server, std::string_view name, std::string_view value);
/// What makes known what a server refused in these words. `rules`: of ACL SETUSER, blanks between.
std::string wayToKnow(std::string_view refusal, std::string_view rules);
/// "redline stack heal c1", for each stack of ours with a server that gives no answer, or that
/// others of its cluster know as failed.
std::vector<std::string> healLines(const DoctorFacts& facts);
/// "redis-cli -h 10.0.0.7 -p 7600 BGSAVE".
std::string redisCli(const ServerFacts& server, const std::vector<std::string>& words);

}  // namespace redline
