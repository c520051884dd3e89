#include "server/key_look.h"

#include <array>
#include <utility>

namespace redline {
namespace {

using Request = std::vector<std::string>;

/// refused where it withholds the command; other errors pass.
tl::unexpected<Error> errorOf(const Admin& admin, const Value& reply) {
  return fail(isWithheld(reply) ? ErrorCode::refused : ErrorCode::invalidInput, "{} says: {}",
              admin.endpoint().text(), reply.text);
}

}  // namespace

std::string_view countingCommand(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kCommands{
      {{"hash", "HLEN"},
       {"list", "LLEN"},
       {"set", "SCARD"},
       {"zset", "ZCARD"},
       {"stream", "XLEN"}}};
  for (const auto& [name, command] : kCommands)
    if (name == type) return command;
  return {};
}

Result<std::vector<std::string>> drawKeys(Admin& admin, std::size_t count) {
  const std::vector<Request> commands(count, Request{"RANDOMKEY"});
  auto replies = admin.pipeline(commands);
  if (!replies) return fail(std::move(replies.error()));
  std::vector<std::string> names;
  for (Value& reply : *replies) {
    if (isWithheld(reply)) return errorOf(admin, reply);
    if (reply.isText()) names.push_back(std::move(reply.text));
  }
  return names;
}

Result<KeyPage> scanKeys(Admin& admin, std::string_view cursor, std::size_t count) {
  auto reply = admin.commandRaw({"SCAN", cursor, "COUNT", std::to_string(count)});
  if (!reply) return fail(std::move(reply.error()));
  if (reply->isError()) return errorOf(admin, *reply);
  if (reply->items.size() != 2)
    return fail(ErrorCode::invalidInput, "{} did not answer SCAN with a cursor and a page",
                admin.endpoint().text());
  KeyPage page;
  page.next = std::move(reply->items[0].text);
  for (Value& name : reply->items[1].items) page.names.push_back(std::move(name.text));
  return page;
}

Result<std::vector<ExaminedKey>> examineKeys(Admin& admin, std::span<const std::string> names,
                                             bool counters) {
  std::vector<Request> commands;
  for (const std::string& name : names) commands.push_back({"MEMORY", "USAGE", name});
  if (counters)
    for (const std::string& name : names) commands.push_back({"OBJECT", "FREQ", name});
  const auto replies = admin.pipeline(commands);
  if (!replies) return fail(replies.error());
  std::vector<ExaminedKey> keys;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Value& size = (*replies)[i];
    if (isWithheld(size)) return errorOf(admin, size);
    const auto bytes = size.asInteger();
    if (!bytes || *bytes < 0) continue;
    ExaminedKey& key = keys.emplace_back();
    key.name = names[i];
    key.bytes = static_cast<std::uint64_t>(*bytes);
    if (counters) {
      const Value& counter = (*replies)[names.size() + i];
      if (isWithheld(counter)) return errorOf(admin, counter);
      const auto reads = counter.asInteger().value_or(0);
      key.reads = reads > 0 ? static_cast<std::uint64_t>(reads) : 0;
    }
  }
  return keys;
}

Status addElements(Admin& admin, ExaminedKey& key) {
  auto type = admin.commandRaw({"TYPE", key.name});
  if (!type) return fail(std::move(type.error()));
  if (isWithheld(*type)) return errorOf(admin, *type);
  if (type->isError() || type->text == "none") return {};
  key.type = std::move(type->text);
  const std::string_view command = countingCommand(key.type);
  if (command.empty()) return {};
  const auto count = admin.commandRaw({command, key.name});
  if (!count) return fail(count.error());
  if (isWithheld(*count)) return errorOf(admin, *count);
  const auto elements = count->asInteger().value_or(0);
  key.elements = elements > 0 ? static_cast<std::uint64_t>(elements) : 0;
  return {};
}

Result<std::vector<std::uint64_t>> countKeysInSlots(Admin& admin,
                                                    std::span<const std::uint16_t> slots) {
  std::vector<Request> commands;
  for (const std::uint16_t slot : slots)
    commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(slot)});
  const auto replies = admin.pipeline(commands);
  if (!replies) return fail(replies.error());
  std::vector<std::uint64_t> counts;
  for (const Value& reply : *replies) {
    if (isWithheld(reply)) return errorOf(admin, reply);
    const auto count = reply.asInteger().value_or(0);
    counts.push_back(count > 0 ? static_cast<std::uint64_t>(count) : 0);
  }
  return counts;
}

bool countsUses(std::string_view evictionPolicy) {
  return evictionPolicy.ends_with("-lfu");
}

double usesOf(std::uint64_t counter, double logFactor) {
  constexpr std::uint64_t kNew = 5;  // of a key that was just written
  if (counter <= kNew) return 0;
  const auto steps = static_cast<double>(counter - kNew);
  return logFactor * steps * (steps - 1) / 2 + steps;
}

}  // namespace redline
