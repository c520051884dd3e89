#include "lab/bucketed_hash.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <utility>

namespace redline::lab {
namespace {

constexpr std::uint64_t kFieldsACommand = 1000;
constexpr std::size_t kCommandsAPipeline = 256;
constexpr std::size_t kFieldsAPipeline = 20'000;
constexpr Nanos kHashTimeout = 60 * kSecond;
constexpr std::size_t kLargestReply = std::size_t{1} << 30;

using Commands = std::vector<std::vector<std::string>>;

/// Sends them and drops what comes back; an error reply is an error.
Status send(Admin& admin, Commands& commands) {
  if (commands.empty()) return {};
  const auto replies = admin.pipeline(commands, kHashTimeout);
  if (!replies) return fail(replies.error());
  for (const Value& reply : *replies)
    if (reply.isError())
      return fail(ErrorCode::refused, "{}: {}", commands.front().front(), reply.text);
  commands.clear();
  return {};
}

/// Pairs of field and value, as HSCAN and HGETALL have them, into the buckets.
Status copyFields(Admin& admin, const BucketedHash& to, const std::vector<Value>& pairs) {
  Commands commands;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    const std::string& name = pairs[i].text;
    const auto id = std::strtoull(name.c_str() + BucketedHash::field(0).size() - 1, nullptr, 10);
    commands.push_back({"HSETNX", to.keyOf(id), name, pairs[i + 1].text});
    if (commands.size() == kFieldsACommand)
      if (auto sent = send(admin, commands); !sent) return sent;
  }
  return send(admin, commands);
}

Status deleteFields(Admin& admin, const BucketedHash& from, const std::vector<Value>& pairs) {
  std::vector<std::string> command{"HDEL", from.name};
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) command.push_back(pairs[i].text);
  if (command.size() == 2) return {};
  const auto gone = admin.command(command, kHashTimeout);
  if (!gone) return fail(gone.error());
  return {};
}

Result<MigrationOutcome> migrateAtOnce(Admin& admin, const Migration& migration) {
  admin.expectValues(kLargestReply);
  const auto all = admin.command({"HGETALL", migration.from.name}, kHashTimeout);
  if (!all) return fail(all.error());
  if (auto copied = copyFields(admin, migration.to, all->items); !copied)
    return fail(copied.error());
  const auto gone = admin.command({"DEL", migration.from.name}, kHashTimeout);
  if (!gone) return fail(gone.error());
  return MigrationOutcome{.fields = all->items.size() / 2, .steps = 1, .isComplete = true};
}

}  // namespace

std::string BucketedHash::key(std::uint64_t bucket) const {
  return buckets == 0 ? name : fmt::format("{}:{}", name, bucket);
}

std::string BucketedHash::field(std::uint64_t id) {
  return fmt::format("field:{}", id);
}

std::string BucketedHash::value(std::uint64_t id, std::uint64_t version) const {
  std::string text = fmt::format("{}.{}:", id, version);
  text.resize(std::max<std::size_t>(text.size(), fieldSize), 'x');
  return text;
}

Status makeHash(Admin& admin, const BucketedHash& hash, const std::function<bool()>& interrupted) {
  std::vector<std::vector<std::uint64_t>> ids(hash.keys());
  for (std::uint64_t id = 0; id < hash.fields; ++id) ids[hash.bucketOf(id)].push_back(id);
  Commands commands;
  std::size_t fields = 0;
  for (std::uint64_t bucket = 0; bucket < hash.keys(); ++bucket) {
    for (std::size_t from = 0; from < ids[bucket].size(); from += kFieldsACommand) {
      auto& command = commands.emplace_back();
      command = {"HSET", hash.key(bucket)};
      const std::size_t to = std::min(ids[bucket].size(), from + kFieldsACommand);
      for (std::size_t i = from; i < to; ++i) {
        command.push_back(BucketedHash::field(ids[bucket][i]));
        command.push_back(hash.value(ids[bucket][i]));
      }
      fields += to - from;
      if (fields < kFieldsAPipeline) continue;
      if (auto sent = send(admin, commands); !sent) return sent;
      fields = 0;
      if (interrupted()) return fail(ErrorCode::interrupted, "{} is not complete", hash.name);
    }
  }
  return send(admin, commands);
}

Status unlinkHash(Admin& admin, const BucketedHash& hash) {
  Commands commands;
  for (std::uint64_t bucket = 0; bucket < hash.keys(); ++bucket) {
    commands.push_back({"UNLINK", hash.key(bucket)});
    if (commands.size() == kCommandsAPipeline)
      if (auto sent = send(admin, commands); !sent) return sent;
  }
  return send(admin, commands);
}

Result<MigrationOutcome> migrateHash(Admin& admin, const Migration& migration,
                                     const std::function<bool()>& interrupted) {
  if (migration.batch == 0) return migrateAtOnce(admin, migration);
  MigrationOutcome outcome;
  const std::string count = std::to_string(migration.batch);
  std::string cursor = "0";
  while (!interrupted()) {
    const Nanos begin = SteadyClock::read();
    const auto page =
        admin.command({"HSCAN", migration.from.name, cursor, "COUNT", count}, kHashTimeout);
    if (!page) return fail(page.error());
    if (page->items.size() != 2)
      return fail(ErrorCode::invalidInput, "HSCAN did not answer with a cursor and a page");
    const std::vector<Value>& pairs = page->items[1].items;
    if (auto copied = copyFields(admin, migration.to, pairs); !copied) return fail(copied.error());
    if (auto gone = deleteFields(admin, migration.from, pairs); !gone) return fail(gone.error());
    outcome.fields += pairs.size() / 2;
    ++outcome.steps;
    cursor = page->items[0].text;
    outcome.isComplete = cursor == "0";
    if (outcome.isComplete) break;
    std::this_thread::sleep_for(std::chrono::nanoseconds(SteadyClock::read() - begin));
  }
  return outcome;
}

Status HashClient::operate() {
  constexpr std::uint64_t kOneInSo = 10;
  const std::uint64_t id = rng_.below(migration_.from.fields);
  return rng_.below(kOneInSo) == 0 ? write(id) : read(id);
}

/// Whether the field is there; a value of another version counts as wrong.
Result<bool> HashClient::look(const std::string& key, std::uint64_t id) {
  const auto reply = admin_.command({"HGET", key, BucketedHash::field(id)});
  if (!reply) return fail(reply.error());
  if (reply->isNull()) return false;
  const auto version = versions_.find(id);
  if (reply->text != migration_.to.value(id, version == versions_.end() ? 0 : version->second))
    ++counts_.wrong;
  return true;
}

Status HashClient::read(std::uint64_t id) {
  ++counts_.reads;
  const std::string bucket = migration_.to.keyOf(id);
  const auto first = look(bucket, id);
  if (!first) return fail(first.error());
  if (*first) return {};
  const auto old = look(migration_.from.name, id);
  if (!old) return fail(old.error());
  if (*old) {
    ++counts_.fromOld;
    return {};
  }
  const auto again = look(bucket, id);
  if (!again) return fail(again.error());
  ++(*again ? counts_.secondLook : counts_.missing);
  return {};
}

Status HashClient::write(std::uint64_t id) {
  ++counts_.writes;
  const std::uint64_t version = ++versions_[id];
  const std::string field = BucketedHash::field(id);
  Commands commands{{"HSET", migration_.to.keyOf(id), field, migration_.to.value(id, version)},
                    {"HDEL", migration_.from.name, field}};
  return send(admin_, commands);
}

Result<std::uint64_t> HashClient::lostWrites() {
  std::uint64_t lost = 0;
  for (const auto& [id, version] : versions_) {
    const auto reply = admin_.command({"HGET", migration_.to.keyOf(id), BucketedHash::field(id)});
    if (!reply) return fail(reply.error());
    if (reply->text != migration_.to.value(id, version)) ++lost;
  }
  return lost;
}

}  // namespace redline::lab
