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
  std::optional<Judgement> (*judge)(const ServerFacts& server, const DoctorFacts& facts) = nullptr;
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
std::optional<Judgement> judgeLimit(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgePolicy(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeEviction(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeSwapped(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeBuffers(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Judgement> judgeSavePoints(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeAppendOnly(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeFork(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeLastWrites(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeServersDisk(const ServerFacts& server, const DoctorFacts& facts);
/// Of a disk alone, without a server.
Judgement judgeDisk(const DiskFacts& disk);

std::optional<Judgement> judgeClients(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeMainThread(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeCore(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeSlowCommands(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Judgement> judgeBigKeys(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeHotKeys(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeFullSlots(const ServerFacts& server, const DoctorFacts& facts);

std::optional<Judgement> judgeReplicas(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeReplicaLink(const ServerFacts& server, const DoctorFacts& facts);
std::optional<Judgement> judgeBacklog(const ServerFacts& server, const DoctorFacts& facts);

/// "redis-cli -p 7600 CONFIG SET maxmemory-policy allkeys-lru".
std::string configSet(const ServerFacts& server, std::string_view name, std::string_view value);
/// "redis-cli -h 10.0.0.7 -p 7600 BGSAVE".
std::string redisCli(const ServerFacts& server, const std::vector<std::string>& words);

}  // namespace redline
