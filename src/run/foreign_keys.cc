#include "run/foreign_keys.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "base/text.h"
#include "server/key_admin.h"
#include "workload/keyspace.h"

namespace redline {
namespace {

constexpr std::uint64_t kFewKeys = 10'000;
constexpr std::uint64_t kSampled = 64;
constexpr std::array<std::string_view, 5> kTypes{"list", "set", "zset", "hash", "stream"};

std::string nameOfId(std::uint64_t id) {
  std::array<char, kMaxKeyLength> key;
  return {key.data(), writeKey(key.data(), id)};
}

bool willBeWritten(std::string_view key, const LoadPlan& load) {
  const auto id = parseKey(key);
  return id && *id >= load.from && *id < load.keys;
}

/// The first key of that type among the data set's names; also none where it may not look.
std::optional<std::string> scanFor(std::string_view type, Target& target, const LoadPlan& load) {
  const std::string pattern = std::string(kKeyPrefix) + "*";
  std::string cursor = "0";
  do {
    const auto reply =
        target.admin.commandRaw({"SCAN", cursor, "MATCH", pattern, "COUNT", "1000", "TYPE", type});
    if (!reply || reply->items.size() != 2) return std::nullopt;
    for (const Value& key : reply->items[1].items)
      if (willBeWritten(key.text, load)) return key.text;
    cursor = reply->items[0].text;
  } while (cursor != "0");
  return std::nullopt;
}

std::optional<ForeignKey> scanServer(Target& target, const LoadPlan& load) {
  for (const std::string_view type : kTypes)
    if (auto key = scanFor(type, target, load))
      return ForeignKey{target.admin.endpoint().text(), std::move(*key), std::string(type)};
  return std::nullopt;
}

/// The data set's names at both ends and at random, wherever they are.
Result<std::optional<ForeignKey>> sampleNames(const Endpoint& where, const LoadPlan& load) {
  std::vector<std::vector<std::string>> commands;
  Rng rng(load.seed, 0x666f726569676e);
  const std::uint64_t total = load.keys - load.from;
  for (std::uint64_t i = 0; i < kSampled; ++i) {
    const std::uint64_t id = i == 0   ? load.from
                             : i == 1 ? load.keys - 1
                                      : load.from + rng.below(total);
    commands.push_back({"TYPE", nameOfId(id)});
  }
  auto admin = KeyAdmin::connect(where, load.cluster(), load.credentials);
  if (!admin) return fail(std::move(admin.error()));
  const auto replies = admin->pipeline(commands);
  if (!replies) return fail(replies.error());
  for (std::size_t i = 0; i < replies->size(); ++i) {
    const Value& type = (*replies)[i];
    if (type.isError() || type.text == "none" || type.text == "string") continue;
    return ForeignKey{where.text(), commands[i][1], type.text};
  }
  return std::nullopt;
}

/// The first of the ids that follow the data set's last one whose key is there.
std::optional<std::uint64_t> findBehind(const Endpoint& where, const LoadPlan& load) {
  constexpr std::uint64_t kLooked = 16;  // some of an earlier data set's may have expired
  std::vector<std::vector<std::string>> commands;
  for (std::uint64_t id = load.keys; id != load.keys + kLooked; ++id)
    commands.push_back({"EXISTS", nameOfId(id)});
  auto admin = KeyAdmin::connect(where, load.cluster(), load.credentials);
  if (!admin) return std::nullopt;
  const auto replies = admin->pipeline(commands);
  if (!replies) return std::nullopt;
  for (std::size_t i = 0; i < replies->size(); ++i)
    if ((*replies)[i].integer == 1) return load.keys + i;
  return std::nullopt;
}

}  // namespace

std::uint64_t keysInDatabase(const ServerInfo& info) {
  const auto database = info.keyspace.find(0);
  return database == info.keyspace.end() ? 0 : database->second.keys;
}

std::string earlierKeysText(const Preflight& servers, const LoadPlan& load) {
  std::uint64_t there = 0;
  for (const Target& target : servers.targets)
    if (target.info.role() == "master") there += keysInDatabase(target.info);
  if (there == 0) return {};
  const auto behind = findBehind(servers.targets.front().admin.endpoint(), load);
  if (!behind) return {};
  return fmt::format(
      "{} are there already, {} among them, which no key of this data set replaces: an earlier and "
      "larger one; FLUSHALL first where that is not meant",
      plural(there, "key"), nameOfId(*behind));
}

Result<std::optional<ForeignKey>> findForeignKey(Preflight& servers, const LoadPlan& load) {
  bool many = false;
  for (Target& target : servers.targets) {
    if (target.info.role() != "master" || keysInDatabase(target.info) == 0) continue;
    if (keysInDatabase(target.info) > kFewKeys) {
      many = true;
    } else if (auto found = scanServer(target, load)) {
      return found;
    }
  }
  if (!many) return std::nullopt;
  return sampleNames(servers.targets.front().admin.endpoint(), load);
}

}  // namespace redline
