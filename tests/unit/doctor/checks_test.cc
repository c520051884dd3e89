// Each check on literal facts, for each of its outcomes.
#include "doctor/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "doctor/key_survey.h"
#include "doctor/remedies.h"
#include "doctor/report_json.h"
#include "unit/doctor/server_facts.h"

namespace redline {
namespace {

using test::FactsBuilder;
using test::find;
using test::kGigabyte;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

using Check = std::optional<Diagnosis> (*)(const ServerFacts&, const DoctorFacts&);

/// The judgement, which must be of that severity, and then complete.
Diagnosis judged(FactsBuilder& facts, Check check, Severity severity) {
  const auto judgement = facts.judge(check);
  EXPECT_TRUE(judgement);
  if (!judgement) return {};
  EXPECT_EQ(judgement->severity, severity) << judgement->evidence;
  EXPECT_FALSE(judgement->evidence.empty());
  EXPECT_EQ(judgement->effect.empty(), severity == Severity::fine) << judgement->evidence;
  EXPECT_EQ(judgement->fix.empty(), severity == Severity::fine) << judgement->evidence;
  return *judgement;
}

TEST(Doctor, FindsNothingWrongWithAServerThatIsSetUpWell) {
  FactsBuilder facts;
  for (const CheckResult& result : examine(facts.facts()))
    EXPECT_EQ(result.judgement.severity, Severity::fine)
        << result.check << ": " << result.judgement.evidence;
}

TEST(Doctor, KnowsEachCheckByAName) {
  std::set<std::string_view> names;
  for (const ServerCheck& check : serverChecks()) {
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
    EXPECT_FALSE(check.title.empty());
  }
}

TEST(MemoryLimit, ThatIsNoneIsDangerousAndTheFixFitsTheMachine) {
  FactsBuilder facts;
  judged(facts, judgeLimit, Severity::fine);
  facts.info("maxmemory", "0");
  const Diagnosis judgement = judged(facts, judgeLimit, Severity::dangerous);
  EXPECT_THAT(judgement.evidence, HasSubstr("1 GB are used"));
  // 75% of what is available and what it has.
  EXPECT_EQ(judgement.fix.front(), "redis-cli -p 7600 CONFIG SET maxmemory 8938061824");
  EXPECT_THAT(judgement.fix, Contains("redis-cli -p 7600 CONFIG SET maxmemory-policy allkeys-lru"));
}

TEST(MemoryLimit, BelowWhatTheServerHoldsIsNotProposed) {
  FactsBuilder facts;
  facts.info("maxmemory", "0");
  facts.facts().machine.host.memoryAvailable = 100 << 20;  // its share: 75% of 1.2 GB
  const Diagnosis none = judged(facts, judgeLimit, Severity::dangerous);
  ASSERT_EQ(none.fix.size(), 1U);
  EXPECT_THAT(none.fix.front(),
              AllOf(HasSubstr("its data, 1 GB, is more than its share"),
                    HasSubstr("move data or servers away"), Not(HasSubstr("CONFIG SET"))));
  facts.info("maxmemory", std::to_string(20 * kGigabyte));
  EXPECT_THAT(judged(facts, judgeLimit, Severity::dangerous).fix.front(),
              Not(HasSubstr("CONFIG SET")));
}

TEST(MemoryLimit, OfAllServersHereTogetherMustFitTheMachine) {
  FactsBuilder facts;
  facts.info("maxmemory", std::to_string(9 * kGigabyte));
  judged(facts, judgeLimit, Severity::fine);
  facts.facts().servers.push_back(facts.server());
  EXPECT_THAT(judged(facts, judgeLimit, Severity::dangerous).evidence, HasSubstr("18 GB"));
  facts.facts().servers.back().here = false;
  judged(facts, judgeLimit, Severity::fine);
}

TEST(MemoryLimit, OfAServerElsewhereCannotBeProposed) {
  FactsBuilder facts;
  facts.info("maxmemory", "0");
  facts.server().here = false;
  facts.server().endpoint = {"10.0.0.7", 6380, {}};
  facts.server().tls = true;
  EXPECT_EQ(judged(facts, judgeLimit, Severity::dangerous).fix.front(),
            "redis-cli -h 10.0.0.7 -p 6380 --tls CONFIG SET maxmemory '<bytes>'");
}

TEST(EvictionPolicy, NoevictionIsDangerousForACache) {
  FactsBuilder facts;
  judged(facts, judgePolicy, Severity::fine);
  facts.info("maxmemory_policy", "noeviction");
  EXPECT_THAT(judged(facts, judgePolicy, Severity::dangerous).effect, HasSubstr("-OOM"));
  facts.info("maxmemory", "0");
  EXPECT_FALSE(facts.judge(judgePolicy)) << "the limit is what is missing then";
}

TEST(EvictionPolicy, VolatileIsDangerousWhenKeysThatCannotGoFillTheMemory) {
  FactsBuilder facts;
  facts.info("maxmemory_policy", "volatile-lru").info("used_memory", std::to_string(4 * kGigabyte));
  facts.keyspace(1'000'000, 310'000);
  judged(facts, judgePolicy, Severity::fine);
  facts.keyspace(1'000'000, 290'000);
  EXPECT_THAT(judged(facts, judgePolicy, Severity::dangerous).evidence, HasSubstr("290k of 1M"));
  facts.keyspace(0, 0);
  judged(facts, judgePolicy, Severity::fine);
}

TEST(Evictions, CostMissesWhileTheyHappen) {
  FactsBuilder facts;
  facts.info("evicted_keys", "5000");
  EXPECT_THAT(judged(facts, judgeEviction, Severity::fine).evidence, HasSubstr("5k keys"));
  facts.rate("evicted_keys", 1200).rate("keyspace_hits", 9000).rate("keyspace_misses", 1000);
  EXPECT_THAT(judged(facts, judgeEviction, Severity::costsLatency).evidence,
              HasSubstr("1.2k keys a second, at a hit rate of 90"));
}

TEST(SwappedMemory, OfAServerCostsLatencyAndWithoutSwapIsNoQuestion) {
  FactsBuilder facts;
  facts.server().process = ProcessFacts{};
  EXPECT_FALSE(facts.judge(judgeSwapped));
  facts.facts().machine.host.swapTotal = kGigabyte;
  judged(facts, judgeSwapped, Severity::fine);
  facts.server().process->swapped = 4096;
  judged(facts, judgeSwapped, Severity::costsLatency);
  facts.server().process.reset();
  EXPECT_FALSE(facts.judge(judgeSwapped));
}

TEST(OutputBuffers, ThatTakeMemoryFromTheDataCostAndThenEndanger) {
  FactsBuilder facts;
  facts.server().clients = ClientFacts{3, 0, ""};
  EXPECT_THAT(judged(facts, judgeBuffers, Severity::fine).evidence, HasSubstr("no limit"));
  facts.server().clients = ClientFacts{3, 500 << 20, "127.0.0.1:5000 reports"};
  facts.info("mem_clients_normal", std::to_string(500 << 20));
  EXPECT_THAT(judged(facts, judgeBuffers, Severity::costsLatency).evidence,
              HasSubstr("127.0.0.1:5000 reports"));
  facts.info("mem_clients_normal", std::to_string(kGigabyte));
  judged(facts, judgeBuffers, Severity::dangerous);
}

TEST(SavePoints, CostLatencyOnAMaster) {
  FactsBuilder facts;
  judged(facts, judgeSavePoints, Severity::fine);
  facts.setting("save", "3600 1 300 100 60 10000");
  const Diagnosis judgement = judged(facts, judgeSavePoints, Severity::costsLatency);
  EXPECT_EQ(judgement.price, &kSnapshotPrice);
  EXPECT_EQ(judgement.fix.front(), "redis-cli -p 7600 CONFIG SET save ''");
  EXPECT_THAT(judgement.evidence, HasSubstr("the last fork took 18.4 ms"));
  facts.info("latest_fork_usec", "0");
  EXPECT_THAT(judged(facts, judgeSavePoints, Severity::costsLatency).evidence,
              Not(HasSubstr("fork")));
  facts.info("role", "slave");
  judged(facts, judgeSavePoints, Severity::fine);
}

TEST(AppendOnlyFile, IsJudgedByWhenItIsSynced) {
  FactsBuilder facts;
  judged(facts, judgeAppendOnly, Severity::fine);
  facts.info("aof_enabled", "1").setting("appendfsync", "everysec");
  facts.setting("auto-aof-rewrite-percentage", "100");
  EXPECT_THAT(judged(facts, judgeAppendOnly, Severity::fine).evidence, HasSubstr("+100%"));
  facts.info("aof_delayed_fsync", "3");
  judged(facts, judgeAppendOnly, Severity::costsLatency);
  facts.setting("appendfsync", "always");
  EXPECT_EQ(judged(facts, judgeAppendOnly, Severity::costsLatency).price, &kAlwaysPrice);
  facts.setting("appendfsync", "no");
  judged(facts, judgeAppendOnly, Severity::dangerous);
}

TEST(Fork, ThatCannotBeAffordedIsDangerousAndALongOneCosts) {
  FactsBuilder facts;
  judged(facts, judgeFork, Severity::fine);
  facts.info("latest_fork_usec", "150000");
  judged(facts, judgeFork, Severity::costsLatency);
  facts.facts().machine.host.memoryAvailable = 100 << 20;
  facts.rate("rdb_changes_since_last_save", 50'000);
  EXPECT_THAT(judged(facts, judgeFork, Severity::dangerous).evidence, HasSubstr("100 MB are free"));
  facts.server().here = false;
  facts.info("latest_fork_usec", "18400");
  judged(facts, judgeFork, Severity::fine);
}

TEST(LastWrites, ThatFailedAreDangerous) {
  for (const char* const field :
       {"rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"}) {
    FactsBuilder facts;
    judged(facts, judgeLastWrites, Severity::fine);
    facts.info(field, "err");
    EXPECT_THAT(judged(facts, judgeLastWrites, Severity::dangerous).evidence, HasSubstr(field));
  }
}

TEST(Disk, OfAServerThatWritesIsJudgedByItsKindItsRoomAndItsSyncs) {
  FactsBuilder facts;
  EXPECT_THAT(judged(facts, judgeServersDisk, Severity::fine).evidence, HasSubstr("nothing"));
  facts.info("aof_enabled", "1");
  DiskFacts& disk = facts.server().disk;
  disk = {"/srv/redis", "ext4", 50 * kGigabyte, {}, "the directory is not one of redline's"};
  const Diagnosis unknown = judged(facts, judgeServersDisk, Severity::unknown);
  EXPECT_THAT(unknown.fix.front(), HasSubstr("redline doctor -disk=/srv/redis"));
  disk.syncs.emplace(100, 200 * kMicrosecond);
  judged(facts, judgeServersDisk, Severity::fine);
  disk.syncs->back() = kSecond;
  disk.syncs->front() = kSecond;
  EXPECT_THAT(judged(facts, judgeServersDisk, Severity::costsLatency).evidence,
              HasSubstr("200 µs at the median, 1 s at p99"));
  disk.free = 1 << 20;
  judged(facts, judgeServersDisk, Severity::dangerous);
  disk.filesystem = "tmpfs";
  const Diagnosis inMemory = judged(facts, judgeServersDisk, Severity::dangerous);
  EXPECT_THAT(inMemory.evidence, HasSubstr("tmpfs"));
  EXPECT_THAT(inMemory.fix.front(), AllOf(HasSubstr("redis.conf"), HasSubstr("restart")));
  EXPECT_EQ(judgeDisk(disk).severity, Severity::dangerous) << "whoever writes there";
  disk = {"/srv/redis", "ext4", 50 * kGigabyte, {}, "cannot sync a file", true};
  EXPECT_THAT(judgeDisk(disk).fix.front(), Not(HasSubstr("redline doctor")));
}

TEST(Connections, NearMaxclientsAreDangerous) {
  FactsBuilder facts;
  facts.info("rejected_connections", "7");
  EXPECT_THAT(judged(facts, judgeClients, Severity::fine).evidence, HasSubstr("7 connections"));
  facts.rate("rejected_connections", 1);
  judged(facts, judgeClients, Severity::dangerous);
  facts.info("rejected_connections", "0").info("connected_clients", "9000");
  judged(facts, judgeClients, Severity::dangerous);
}

TEST(MainThread, NearItsLimitCostsLatency) {
  FactsBuilder facts;
  facts.rate("used_cpu_user_main_thread", 0.3).rate("used_cpu_sys_main_thread", 0.4);
  judged(facts, judgeMainThread, Severity::fine);
  facts.rate("used_cpu_sys_main_thread", 0.6);
  EXPECT_EQ(judged(facts, judgeMainThread, Severity::costsLatency).price, &kSaturationPrice);
}

TEST(Core, ThatOthersHaveCostsLatency) {
  FactsBuilder facts;
  EXPECT_FALSE(facts.judge(judgeCore));
  facts.rate("waiting_for_core_main_thread", 0.005);
  judged(facts, judgeCore, Severity::fine);
  facts.rate("waiting_for_core_main_thread", 0.2);
  judged(facts, judgeCore, Severity::costsLatency);
}

Event slow(std::string name, Nanos took) {
  Event event;
  event.detail = name + " big:hash:0";
  event.name = std::move(name);
  event.duration = took;
  return event;
}

TEST(SlowCommands, CostLatencyAndInAClusterAFailover) {
  FactsBuilder facts;
  judged(facts, judgeSlowCommands, Severity::fine);
  facts.server().slowLog = std::vector<Event>{slow("get", 2 * kMillisecond)};
  judged(facts, judgeSlowCommands, Severity::fine);
  facts.server().slowLog =
      std::vector<Event>{slow("get", 2 * kMillisecond), slow("hgetall", 6 * kSecond)};
  const Diagnosis judgement = judged(facts, judgeSlowCommands, Severity::costsLatency);
  EXPECT_THAT(judgement.evidence, AllOf(HasSubstr("1 of 2 entries"), HasSubstr("6 s")));
  EXPECT_EQ(judgement.price, &kHashPrice);
  EXPECT_THAT(judgement.fix.front(), HasSubstr("HSCAN"));
  facts.cluster().setting("cluster-node-timeout", "5000");
  judged(facts, judgeSlowCommands, Severity::dangerous);
}

TEST(SlowCommands, HaveAdviceThatFitsEachOfThem) {
  FactsBuilder facts;
  facts.server().slowLog =
      std::vector<Event>{slow("keys", 20 * kMillisecond), slow("eval", 600 * kMillisecond),
                         slow("keys", 30 * kMillisecond)};
  const Diagnosis judgement = judged(facts, judgeSlowCommands, Severity::costsLatency);
  ASSERT_EQ(judgement.fix.size(), 2U);
  EXPECT_THAT(judgement.fix[0], AllOf(HasSubstr("EVAL: "), HasSubstr("shorten")));
  EXPECT_THAT(judgement.fix[1], AllOf(HasSubstr("KEYS: "), HasSubstr("SCAN")));
  EXPECT_EQ(judgement.price, nullptr) << "of the longest";
  for (const auto& [command, advice] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"fcall", "shorten"},
           {"sort", "split"},
           {"smembers", "SSCAN"},
           {"lrange", "1000 elements at a time"},
           {"del", "UNLINK"},
           {"flushall", "ASYNC"},
           {"graph.query", "documentation"}})
    EXPECT_THAT(std::string(remedyOf(command).instead), HasSubstr(std::string(advice))) << command;
}

TEST(SlowCommands, EachHaveOneRemedy) {
  std::set<std::string_view> seen;
  for (const CommandRemedy& remedy : allRemedies())
    for (const std::string_view command : splitWords(remedy.commands)) {
      EXPECT_TRUE(seen.insert(command).second) << command;
      EXPECT_EQ(&remedyOf(command), &remedy) << command;
    }
}

TEST(SlowCommands, OfRedlineItselfAreNotCounted) {
  FactsBuilder facts;
  Event load = slow("debug", 300 * kMillisecond), fault = slow("debug", 200 * kMillisecond);
  load.detail = "DEBUG RELOAD NOSAVE NOFLUSH MERGE (client 127.0.0.1:40000)";
  fault.detail = "DEBUG SLEEP 0.2 (client 127.0.0.1:40001 redline-chaos)";
  facts.server().slowLog = std::vector<Event>{fault, load};
  EXPECT_THAT(judged(facts, judgeSlowCommands, Severity::fine).evidence,
              AllOf(HasSubstr("2 by redline itself"), HasSubstr("300 ms: a load")));
  Event other = slow("debug", 100 * kMillisecond);
  other.detail = "DEBUG SLEEP redline-chaos (client 127.0.0.1:40002)";
  facts.server().slowLog->push_back(other);
  EXPECT_THAT(
      judged(facts, judgeSlowCommands, Severity::costsLatency).evidence,
      AllOf(HasSubstr("1 of 3 entries"), HasSubstr("longest 100 ms"), HasSubstr("300 ms: a load")));
}

/// 1M keys, of which some were looked at; the largest is this one.
KeySurvey survey(std::uint64_t looked, ExaminedKey largest) {
  KeySurvey facts;
  facts.keys = 1'000'000;
  facts.looked = looked;
  facts.whole = looked == facts.keys;
  facts.largest = {std::move(largest)};
  return facts;
}

ExaminedKey key(std::string name, std::string type, std::uint64_t bytes, std::uint64_t elements) {
  return {std::move(name), bytes, 0, std::move(type), elements};
}

TEST(BigKeys, ThatAreFoundCostLatencyByTheTimeThatAReadTakes) {
  FactsBuilder facts;
  facts.server().keys = survey(10'000, key("big:hash:0", "hash", 46'000'000, 1'000'000));
  const Diagnosis judgement = judged(facts, judgeBigKeys, Severity::costsLatency);
  EXPECT_THAT(judgement.evidence,
              AllOf(HasSubstr("hash big:hash:0"), HasSubstr("HGETALL of it: about 361 ms"),
                    HasSubstr("10k of 1M keys")));
  EXPECT_EQ(judgement.price, &kHashPrice);
  facts.cluster().setting("cluster-node-timeout", "300");
  judged(facts, judgeBigKeys, Severity::dangerous);
}

TEST(BigKeys, ThatASampleDoesNotFindAreNotKnownToBeAbsent) {
  FactsBuilder facts;
  facts.server().keys = survey(10'000, key("obj:1", "string", 200, 0));
  const Diagnosis unknown = judged(facts, judgeBigKeys, Severity::unknown);
  EXPECT_THAT(unknown.evidence, HasSubstr("with a chance of 1.0%"));
  EXPECT_THAT(unknown.fix.front(), HasSubstr("redline doctor -addr=127.0.0.1:7600 -scan"));
  facts.server().keys = survey(1'000'000, key("obj:1", "string", 200, 0));
  EXPECT_THAT(judged(facts, judgeBigKeys, Severity::fine).evidence, HasSubstr("all 1M keys"));
  facts.server().keys = KeySurvey{};
  judged(facts, judgeBigKeys, Severity::fine);
}

TEST(BigKeys, MayBeStringsAndValuesOfModules) {
  FactsBuilder facts;
  facts.server().keys = survey(1'000'000, key("page", "string", 2 << 20, 0));
  EXPECT_THAT(judged(facts, judgeBigKeys, Severity::costsLatency).fix.front(),
              HasSubstr("GETRANGE"));
  facts.server().keys = survey(1'000'000, key("doc", "ReJSON-RL", 2 << 20, 0));
  judged(facts, judgeBigKeys, Severity::fine);
  facts.server().keys = survey(1'000'000, key("doc", "ReJSON-RL", 20 << 20, 0));
  judged(facts, judgeBigKeys, Severity::costsLatency);
}

TEST(HotKeys, AreKnownUnderAnLfuPolicyOnly) {
  FactsBuilder facts;
  facts.server().keys = survey(1'000'000, key("obj:1", "string", 200, 0));
  EXPECT_THAT(judged(facts, judgeHotKeys, Severity::unknown).evidence, HasSubstr("allkeys-lru"));
  KeySurvey& counted = **facts.server().keys;
  counted.counters = true;
  counted.busiest = {{"obj:7", 200, 255, "", 0}};
  counted.uses = usesOf(255) * 20;
  judged(facts, judgeHotKeys, Severity::fine);
  counted.uses = usesOf(255) * 2;
  const Diagnosis judgement = judged(facts, judgeHotKeys, Severity::costsLatency);
  EXPECT_THAT(judgement.evidence, AllOf(HasSubstr("obj:7"), HasSubstr("50.0% of all uses")));
  // A tenth of the keys has a tenth of the uses.
  counted.whole = false;
  counted.looked = 100'000;
  judged(facts, judgeHotKeys, Severity::unknown);
}

TEST(Keys, InOtherDatabasesAreNotKnownToBeHarmless) {
  FactsBuilder facts;
  facts.keyspace(0, 0);
  facts.server().keys = KeySurvey{};
  (*facts.server().keys)->whole = (*facts.server().keys)->counters = true;
  for (const Check check : {Check{judgeBigKeys}, Check{judgeHotKeys}})
    EXPECT_EQ(judged(facts, check, Severity::fine).evidence, "no keys");
  facts.server().info.keyspace[3] = {20'000, 0, 0};
  for (const Check check : {Check{judgeBigKeys}, Check{judgeHotKeys}}) {
    const Diagnosis judgement = judged(facts, check, Severity::unknown);
    EXPECT_EQ(judgement.evidence, "database 0 has no keys; the others have 20k");
    EXPECT_THAT(judgement.fix.front(), HasSubstr("redis-cli -p 7600 -n 3 --"));
  }
  facts.server().keys = survey(1'000'000, key("obj:1", "string", 200, 0));
  EXPECT_THAT(judged(facts, judgeBigKeys, Severity::fine).evidence,
              AllOf(HasSubstr("all 1M keys of database 0 were looked at"),
                    HasSubstr("none of the 20k in databases other than 0")));
}

TEST(FullSlots, CostLatencyWhenOneHoldsAMastersKeys) {
  FactsBuilder facts;
  facts.server().slots = SlotFacts{5461, 100'000, 42, 30};
  judged(facts, judgeFullSlots, Severity::fine);
  facts.server().slots = SlotFacts{5461, 100'000, 42, 60'000};
  EXPECT_THAT(judged(facts, judgeFullSlots, Severity::costsLatency).fix.front(),
              HasSubstr("CLUSTER GETKEYSINSLOT 42 10"));
  facts.server().slots = SlotFacts{5461, 100, 42, 60};
  judged(facts, judgeFullSlots, Severity::fine);
}

TEST(Replicas, AreMissedByAMasterAloneAndInAClusterByAll) {
  FactsBuilder facts;
  judged(facts, judgeReplicas, Severity::fine);
  facts.info("connected_slaves", "0");
  const Diagnosis alone = judged(facts, judgeReplicas, Severity::dangerous);
  EXPECT_THAT(alone.evidence, HasSubstr("on the disk there is nothing"));
  EXPECT_THAT(alone.fix.front(), HasSubstr("REPLICAOF 127.0.0.1 7600"));
  facts.cluster().setting("cluster-require-full-coverage", "yes");
  EXPECT_THAT(judged(facts, judgeReplicas, Severity::dangerous).effect, HasSubstr("whole cluster"));
  facts.setting("cluster-require-full-coverage", "no").setting("save", "60 1");
  const Diagnosis partly = judged(facts, judgeReplicas, Severity::dangerous);
  EXPECT_THAT(partly.effect, Not(HasSubstr("whole cluster")));
  EXPECT_THAT(partly.evidence, HasSubstr("snapshots"));
  facts.info("role", "slave");
  EXPECT_FALSE(facts.judge(judgeReplicas));
}

TEST(ReplicaLink, ThatIsDownIsDangerous) {
  FactsBuilder facts;
  EXPECT_FALSE(facts.judge(judgeReplicaLink)) << "of a master";
  facts.info("role", "slave").info("master_host", "127.0.0.1").info("master_port", "7601");
  facts.info("master_link_status", "up");
  judged(facts, judgeReplicaLink, Severity::fine);
  facts.info("master_link_status", "down").info("master_link_down_since_seconds", "7");
  EXPECT_THAT(judged(facts, judgeReplicaLink, Severity::dangerous).evidence, HasSubstr("for 7 s"));
  facts.info("master_link_down_since_seconds", "-1");
  EXPECT_THAT(judged(facts, judgeReplicaLink, Severity::dangerous).evidence,
              HasSubstr("never was up"));
}

TEST(ReplicationBacklog, OfAFewSecondsCostsAFork) {
  FactsBuilder facts;
  judged(facts, judgeBacklog, Severity::fine);
  facts.rate("master_repl_offset", 1e6);
  judged(facts, judgeBacklog, Severity::fine);
  facts.info("repl_backlog_size", "1048576");
  EXPECT_EQ(judged(facts, judgeBacklog, Severity::costsLatency).fix.front(),
            "redis-cli -p 7600 CONFIG SET repl-backlog-size 60000000");
  facts.info("connected_slaves", "0");
  EXPECT_FALSE(facts.judge(judgeBacklog));
}

TEST(Doctor, SaysWhatCannotBeKnownWhereAServerWithholdsIt) {
  FactsBuilder facts;
  facts.server().settings = fail(ErrorCode::refused, "NOPERM this user has no permissions");
  facts.server().keys = Result<KeySurvey>(fail(ErrorCode::refused, "NOPERM"));
  const auto results = examine(facts.facts());
  const auto settings = find(results, "withheld-settings");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->judgement.severity, Severity::unknown);
  EXPECT_THAT(settings->judgement.effect,
              AllOf(HasSubstr("save points"), HasSubstr("append-only file")));
  EXPECT_THAT(settings->judgement.fix.front(), HasSubstr("+config|get"));
  EXPECT_FALSE(find(results, "save-points"));
  EXPECT_TRUE(find(results, "withheld-keys"));
  EXPECT_TRUE(find(results, "limit")) << "INFO has it";
  EXPECT_EQ(find(results, "replicas")->judgement.severity, Severity::fine);

  const std::string renamed = "ERR unknown command 'CONFIG', with args beginning with: 'GET' ";
  facts.server().settings = fail(ErrorCode::refused, "{}", renamed);
  const auto without = examine(facts.info("maxmemory", "0").facts());
  EXPECT_THAT(find(without, "withheld-settings")->judgement.fix.front(),
              AllOf(HasSubstr("rename-command"), Not(HasSubstr("SETUSER"))));
  EXPECT_THAT(find(without, "limit")->judgement.fix.front(),
              AllOf(HasSubstr(": maxmemory "), HasSubstr("redis.conf")));

  facts.server().info.withheld = "NOPERM";
  const auto fewer = checkServer(facts.server(), facts.facts());
  ASSERT_EQ(fewer.size(), 1U);
  EXPECT_EQ(fewer.front().check, "withheld-info");
}

TEST(Doctor, FindsAServerThatDoesNotAnswerDangerous) {
  FactsBuilder facts;
  facts.server().problem = "nothing listens on 127.0.0.1:7600";
  const auto results = checkServer(facts.server(), facts.facts());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results.front().judgement.severity, Severity::dangerous);
  EXPECT_THAT(results.front().judgement.fix.front(), Not(HasSubstr("redline stack")));
  facts.server().stack = "c1";
  EXPECT_EQ(checkServer(facts.server(), facts.facts()).front().judgement.fix.front(),
            "redline stack heal c1");
}

TEST(Doctor, PutsTheWorstFirstAndChecksOfOneKindTogether) {
  FactsBuilder facts;
  facts.setting("save", "60 1").info("connected_slaves", "0");
  facts.facts().servers.push_back(facts.server());
  facts.facts().servers.back().endpoint.port = 7601;
  const auto results = examine(facts.facts());
  std::vector<std::string> order;
  for (const CheckResult& result : results)
    if (result.judgement.severity < Severity::unknown)
      order.push_back(result.check + " " + result.subject);
  EXPECT_THAT(order,
              testing::ElementsAre("replicas 127.0.0.1:7600", "replicas 127.0.0.1:7601",
                                   "save-points 127.0.0.1:7600", "save-points 127.0.0.1:7601"));
}

TEST(Machine, IsJudgedSettingBySetting) {
  FactsBuilder good;
  struct Case {
    const char* check;
    Severity severity;
    void (*spoil)(MachineFacts&);
  };
  const std::array cases{
      Case{"memory", Severity::dangerous,
           [](MachineFacts& m) { m.host.memoryAvailable = kGigabyte; }},
      Case{"overcommit", Severity::dangerous, [](MachineFacts& m) { m.host.overcommit = 2; }},
      Case{"swap", Severity::costsLatency, [](MachineFacts& m) { m.host.swapTotal = kGigabyte; }},
      Case{"hugepages", Severity::costsLatency,
           [](MachineFacts& m) { m.host.hugePages = "always"; }},
      Case{"steal", Severity::costsLatency, [](MachineFacts& m) { m.host.steal = 0.08; }},
      Case{"cores", Severity::costsLatency, [](MachineFacts& m) { m.host.cores = 1; }},
      Case{"conntrack", Severity::costsLatency,
           [](MachineFacts& m) { m.host.connectionTracking = true; }},
      Case{"filter", Severity::costsLatency, [](MachineFacts& m) { m.host.packetFilter = true; }},
      Case{"clock", Severity::costsLatency,
           [](MachineFacts& m) {
             m.clockSource = "hpet";
             m.clockRead = 1200;
           }},
  };
  for (const Case& each : cases) {
    FactsBuilder facts;
    EXPECT_EQ(find(checkMachine(facts.facts()), each.check)->judgement.severity, Severity::fine)
        << each.check;
    each.spoil(facts.facts().machine);
    const Diagnosis judgement = find(checkMachine(facts.facts()), each.check)->judgement;
    EXPECT_EQ(judgement.severity, each.severity) << each.check;
    EXPECT_FALSE(judgement.effect.empty()) << each.check;
    EXPECT_FALSE(judgement.fix.empty()) << each.check;
  }
}

TEST(Machine, HasNoOtherLoadToSpeakOfWhereAServerIsUnderLoad) {
  FactsBuilder facts;
  facts.facts().machine.host.otherLoad = {0.9, 0.1};
  EXPECT_FALSE(find(checkMachine(facts.facts()), "busy-core"));
  facts.facts().servers.clear();
  EXPECT_EQ(find(checkMachine(facts.facts()), "busy-core")->judgement.severity,
            Severity::costsLatency);
}

TEST(Machine, HugePagesDoNotMatterToServersThatTurnThemOff) {
  FactsBuilder facts;
  facts.facts().machine.host.hugePages = "always";
  const auto severity = [&] {
    return find(checkMachine(facts.facts()), "hugepages")->judgement.severity;
  };
  EXPECT_EQ(severity(), Severity::costsLatency);
  facts.server().process = ProcessFacts{false, 0};
  EXPECT_EQ(severity(), Severity::fine);
  facts.server().process = ProcessFacts{true, 0};
  EXPECT_EQ(severity(), Severity::costsLatency);
}

TEST(Machine, OfAServerElsewhereIsNotThisOne) {
  FactsBuilder facts;
  facts.server().here = false;
  const auto results = checkMachine(facts.facts());
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results.front().judgement.severity, Severity::unknown);
}

TEST(Cluster, IsJudgedByItsStateItsNodesAndItsOpenSlots) {
  FactsBuilder facts;
  EXPECT_THAT(checkCluster(facts.facts()), testing::IsEmpty());
  facts.cluster();
  ClusterFacts& cluster = *facts.facts().cluster;
  const auto severity = [&] {
    return find(checkCluster(facts.facts()), "cluster-state")->judgement.severity;
  };
  EXPECT_EQ(severity(), Severity::dangerous) << "no slot has an owner";
  for (std::size_t slot = 0; slot < kSlots; ++slot)
    cluster.map.moved(static_cast<std::uint16_t>(slot), "127.0.0.1", 7600);
  EXPECT_EQ(severity(), Severity::fine);
  ClusterMember member;
  member.migrating.push_back({42, "id"});
  cluster.view->nodes.push_back(member);
  EXPECT_EQ(severity(), Severity::costsLatency);
  cluster.view->nodes.back().failed = true;
  EXPECT_EQ(severity(), Severity::dangerous);
  cluster.view = fail(ErrorCode::refused, "NOPERM");
  EXPECT_EQ(severity(), Severity::unknown);
  cluster.state = "fail";
  EXPECT_EQ(severity(), Severity::dangerous);
}

TEST(Cluster, ThatFailedIsSaidToLackOwnersOrTheirAnswers) {
  FactsBuilder facts;
  facts.cluster();
  ClusterFacts& cluster = *facts.facts().cluster;
  for (std::size_t slot = 0; slot < kSlots; ++slot)
    cluster.map.moved(static_cast<std::uint16_t>(slot), "127.0.0.1", 7600);
  cluster.state = "fail";
  const auto judged = [&] { return find(checkCluster(facts.facts()), "cluster-state")->judgement; };
  EXPECT_THAT(judged().evidence, AllOf(HasSubstr("just started"), Not(HasSubstr("no owner"))));
  ClusterMember& member = cluster.view->nodes.emplace_back();
  member.endpoint = facts.server().endpoint;
  member.slots = {{0, 5460}};
  member.suspected = true;
  EXPECT_THAT(judged().evidence, HasSubstr("5461 of 16384 slots belong to a master that the node "
                                           "asked gets no answer from"));
  member.failed = true;
  EXPECT_THAT(judged().evidence, HasSubstr("5461 of 16384 slots belong to a failed master"));
  EXPECT_THAT(judged().fix.front(), HasSubstr("restart those nodes"));
  facts.server().stack = "c1";
  EXPECT_EQ(judged().fix.front(), "redline stack heal c1");
  EXPECT_EQ(facts.judge(judgeReplicas)->severity, Severity::fine);
  cluster.state = "ok";
  EXPECT_EQ(judged().severity, Severity::dangerous) << "without full coverage";
}

TEST(Cluster, HotSlotsShowInTheLoadOfAMaster) {
  FactsBuilder facts;
  facts.cluster();
  facts.rate("total_commands_processed", 100);
  facts.facts().servers.push_back(facts.server());
  facts.facts().servers.push_back(facts.server());
  const auto severity = [&] {
    return find(checkCluster(facts.facts()), "balance")->judgement.severity;
  };
  EXPECT_EQ(severity(), Severity::unknown) << "hardly any load";
  const auto fix = [&] { return find(checkCluster(facts.facts()), "balance")->judgement.fix; };
  const auto setsLfu = Contains(HasSubstr("CONFIG SET maxmemory-policy allkeys-lfu"));
  EXPECT_THAT(fix(),
              AllOf(setsLfu, Contains(HasSubstr("--hotkeys")), Contains(HasSubstr("live page"))));
  for (ServerFacts& server : facts.facts().servers)
    server.info.fields["total_commands_processed"] = "21000";
  EXPECT_EQ(severity(), Severity::fine);
  facts.server().info.fields["total_commands_processed"] = "41000";
  EXPECT_EQ(severity(), Severity::costsLatency);
  EXPECT_THAT(fix(), setsLfu);
  facts.info("maxmemory_policy", "volatile-lfu");
  EXPECT_THAT(fix(), AllOf(Not(setsLfu), Contains(HasSubstr("redline top"))));
}

TEST(LfuPolicy, ForAServerEvictsNoKeysThatItsOwnKeeps) {
  EXPECT_EQ(lfuPolicyFor("allkeys-lru"), "allkeys-lfu");
  EXPECT_EQ(lfuPolicyFor("volatile-ttl"), "volatile-lfu");
  EXPECT_EQ(lfuPolicyFor("noeviction"), "volatile-lfu");
}

TEST(ClientList, IsReadForTheLongestReplyThatWaits) {
  const ClientFacts facts = parseClients(
      "id=3 addr=127.0.0.1:5000 laddr=127.0.0.1:7600 name= omem=0 cmd=get\n"
      "id=4 addr=127.0.0.1:5001 laddr=127.0.0.1:7600 name=reports omem=20504 cmd=keys\n");
  EXPECT_EQ(facts.clients, 2U);
  EXPECT_EQ(facts.largestBuffer, 20504U);
  EXPECT_EQ(facts.largest, "127.0.0.1:5001 reports");
  EXPECT_EQ(parseClients("").clients, 0U);
}

TEST(ProcessStatus, IsReadForHugePagesAndSwap) {
  const ProcessFacts facts =
      parseProcessFacts("Name:\tredis-server\nVmSwap:\t     12 kB\nTHP_enabled:\t0\n");
  EXPECT_EQ(facts.swapped, 12U * 1024);
  EXPECT_EQ(facts.hugePages, false);
  EXPECT_EQ(parseProcessFacts("Name:\tx\n").hugePages, std::nullopt);
}

TEST(KeySurvey, SaysHowLikelyItSawASingleKey) {
  KeySurvey facts;
  facts.keys = 1'000'000;
  facts.looked = 10'000;
  EXPECT_NEAR(facts.chance(), 0.00995, 1e-5);
  facts.looked = 1'000'000;  // drawn with repetition
  EXPECT_NEAR(facts.chance(), 0.632, 1e-3);
  facts.whole = true;
  EXPECT_EQ(facts.chance(), 1);
}

TEST(DoctorsJson, CountsAndHasEveryResult) {
  FactsBuilder facts;
  facts.setting("save", "60 1");
  const std::string json = doctorJson(examine(facts.facts()));
  EXPECT_THAT(json,
              AllOf(HasSubstr("\"schema\": 1"), HasSubstr("\"dangerous\": 0"),
                    HasSubstr("\"costs latency\": 1"), HasSubstr("\"check\": \"save-points\""),
                    HasSubstr("\"origin\": \"experiment persistence-spike\""),
                    HasSubstr("\"subject\": \"machine\"")));
}

}  // namespace
}  // namespace redline
