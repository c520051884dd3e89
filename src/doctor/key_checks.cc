#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/numbers.h"
#include "base/shell.h"
#include "base/text.h"
#include "base/units.h"
#include "doctor/checks.h"
#include "model/costs.h"

namespace redline {
namespace {

constexpr double kLongStall = 10e-3;             ///< seconds
constexpr std::uint64_t kLargeString = 1 << 20;  ///< bytes
constexpr std::uint64_t kLargeValue = 10 << 20;  ///< of what has no figure of its own
constexpr double kLikelySeen = 0.5;
constexpr double kHotShare = 0.2;   ///< of all uses
constexpr double kFullSlot = 0.05;  ///< of a master's keys, in one slot
constexpr std::uint64_t kFewKeys = 10'000;

/// What the big-key experiment has of a type, and how such a value is read in pages.
struct PagedRead {
  std::string_view type, how;
  const Price* price;
};
constexpr std::array kPagedReads{
    PagedRead{"hash", "HSCAN", &kHashPrice},
    PagedRead{"list", "LRANGE of 1000 elements at a time", &kListPrice},
    PagedRead{"set", "SSCAN", &kSetPrice},
    PagedRead{"zset", "ZSCAN", nullptr},
    PagedRead{"stream", "XRANGE with COUNT", nullptr},
    PagedRead{"string", "GETRANGE", nullptr},
};
const PagedRead* pagedReadOf(std::string_view type) {
  const auto* const found = std::ranges::find(kPagedReads, type, &PagedRead::type);
  return found == kPagedReads.end() ? nullptr : found;
}

/// Seconds for which reading it whole would block the server; 0: no figure.
double stallOf(const ExaminedKey& key) {
  return wholeReadSeconds(key.type, key.elements);
}

bool isBig(const ExaminedKey& key) {
  if (key.type == "string") return key.bytes >= kLargeString;
  return stallOf(key) >= kLongStall || key.bytes >= kLargeValue;
}

std::string described(const ExaminedKey& key) {
  std::string text = fmt::format("{} {}, {}", key.type, key.name, formatSize(key.bytes));
  if (key.elements != 0)
    text += fmt::format(", {} elements", formatCount(static_cast<double>(key.elements)));
  if (const double stall = stallOf(key); stall > 0)
    text += fmt::format(" ({} of it: about {}, by the model of redline's measurements)",
                        wholeRead(key.type), formatMicros(1e6 * stall));
  return text;
}

/// Databases with keys that were not looked at: all but the first.
struct OtherDatabases {
  std::uint64_t keys = 0;
  unsigned first = 0;  ///< one of them; 0: there is none
};
OtherDatabases otherDatabases(const ServerFacts& server) {
  OtherDatabases others;
  for (const auto& [number, space] : server.info.keyspace) {
    if (number == 0 || space.keys == 0) continue;
    others.keys += space.keys;
    if (others.first == 0) others.first = static_cast<unsigned>(number);
  }
  return others;
}

std::string coverage(const KeySurvey& survey, const ServerFacts& server) {
  const std::uint64_t elsewhere = otherDatabases(server).keys;
  const std::string others = elsewhere == 0
                                 ? std::string()
                                 : fmt::format(", and none of the {} in databases other than 0",
                                               formatCount(static_cast<double>(elsewhere)));
  const std::string keys = formatCount(static_cast<double>(survey.keys));
  if (survey.whole)
    return fmt::format("all {} keys{} were looked at{}", keys,
                       elsewhere == 0 ? "" : " of database 0", others);
  return fmt::format("{} of {} keys were looked at, which finds a single one with a chance of {}{}",
                     formatCount(static_cast<double>(survey.looked)), keys,
                     formatShare(survey.chance()), others);
}

/// Of a server in which no key was found. `option`: of redis-cli, which looks for them elsewhere.
Diagnosis noKeys(const ServerFacts& server, const std::string& option) {
  const OtherDatabases others = otherDatabases(server);
  if (others.keys == 0) return fine("no keys");
  return {Severity::unknown,
          fmt::format("database 0 has no keys; the others have {}",
                      formatCount(static_cast<double>(others.keys))),
          "keys are looked at in database 0 alone",
          nullptr,
          {redisCli(server, {"-n", std::to_string(others.first), option})}};
}

Diagnosis notFound(const KeySurvey& survey, std::string what, const ServerFacts& server,
                   const DoctorFacts& facts) {
  const std::string seen = coverage(survey, server);
  if (survey.chance() >= kLikelySeen) return fine(fmt::format("{}; {}", what, seen));
  return {
      Severity::unknown,
      fmt::format("{}; {}", what, seen),
      "a sample finds what is frequent, and hardly one key among very many",
      nullptr,
      {shellLine({"redline", "doctor", "-addr=" + facts.servers.front().endpoint.text(), "-scan"}) +
       "  # looks at every key, at a tenth of the server's time"}};
}

}  // namespace

std::string_view lfuPolicyFor(std::string_view policy) {
  return policy.starts_with("allkeys-") ? "allkeys-lfu" : "volatile-lfu";
}

std::optional<Diagnosis> judgeBigKeys(const ServerFacts& server, const DoctorFacts& facts) {
  const KeySurvey& survey = **server.keys;
  const auto big = std::ranges::count_if(survey.largest, isBig);
  if (survey.largest.empty()) return noKeys(server, "--bigkeys");
  if (big == 0)
    return notFound(survey, "the largest: " + described(survey.largest.front()), server, facts);
  const ExaminedKey& worst = *std::ranges::max_element(
      survey.largest, {},
      [](const ExaminedKey& key) { return std::pair(stallOf(key), key.bytes); });
  const PagedRead* const paged = pagedReadOf(worst.type);
  const auto timeout = toNumber<double>(server.setting("cluster-node-timeout"));
  const bool failsOver = facts.cluster && timeout && 1e3 * stallOf(worst) >= *timeout;
  return Diagnosis{
      failsOver ? Severity::dangerous : Severity::costsLatency,
      fmt::format("{}; {} found; {}", described(worst),
                  plural(static_cast<std::uint64_t>(big), "big key was", "big keys were"),
                  coverage(survey, server)),
      failsOver
          ? "one command on it blocks longer than cluster-node-timeout: the cluster fails over"
          : "one command on it keeps every other client waiting",
      paged == nullptr ? nullptr : paged->price,
      {fmt::format("read it in pieces{}, split it, and remove it with UNLINK",
                   paged == nullptr ? "" : fmt::format(" ({})", paged->how))}};
}

std::optional<Diagnosis> judgeHotKeys(const ServerFacts& server, const DoctorFacts& facts) {
  const KeySurvey& survey = **server.keys;
  if (!survey.counters)
    return Diagnosis{
        Severity::unknown,
        fmt::format("{} keeps no count of uses", server.info.text("maxmemory_policy")),
        "which keys are hot cannot be read from a server without an LFU policy",
        nullptr,
        {configSet(server, "maxmemory-policy", lfuPolicyFor(server.info.text("maxmemory_policy"))) +
             "  # counts begin at nothing; look again in some minutes",
         "or drive it: 'redline driver' counts operations by slot (slots.csv)"}};
  if (survey.busiest.empty() || survey.looked == 0) return noKeys(server, "--hotkeys");
  const ExaminedKey& top = survey.busiest.front();
  // The others that were looked at stand for all that were not.
  const double all = survey.uses * static_cast<double>(survey.keys) /
                     static_cast<double>(survey.whole ? survey.keys : survey.looked);
  const double share = all > 0 ? std::min(1.0, usesOf(top.reads) / all) : 0;
  const std::string found = fmt::format("{} has a use counter of {} of 255: about {} of all uses",
                                        top.name, top.reads, formatShare(share));
  if (share < kHotShare) return notFound(survey, found, server, facts);
  return Diagnosis{
      Severity::costsLatency,
      fmt::format("{}; {}", found, coverage(survey, server)),
      "a key is served by one thread of one master: more masters do not help it",
      &kHotKeyPrice,
      {"a local cache in the clients (CLIENT TRACKING), copies of the key, or reads from "
       "replicas; 'redline lab run hot-key' has what each costs"}};
}

std::optional<Diagnosis> judgeFullSlots(const ServerFacts& server, const DoctorFacts& /*facts*/) {
  const SlotFacts& slots = **server.slots;
  const double share = shareOf(slots.keysInFullest, slots.keys);
  const std::string evidence = fmt::format("{} slots, {} keys, {} in the fullest", slots.slots,
                                           formatCount(static_cast<double>(slots.keys)),
                                           formatCount(static_cast<double>(slots.keysInFullest)));
  if (slots.keys < kFewKeys || share < kFullSlot) return fine(evidence);
  return Diagnosis{Severity::costsLatency,
                   fmt::format("{} ({}): {} of them", evidence, slots.fullest, formatShare(share)),
                   "a slot cannot be divided: its keys, and the load on them, stay on one master",
                   &kHotKeyPrice,
                   {fmt::format("{}  # do they share a hash tag?",
                                redisCli(server, {"CLUSTER", "GETKEYSINSLOT",
                                                  std::to_string(slots.fullest), "10"}))}};
}

}  // namespace redline
