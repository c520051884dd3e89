#include "chaos/slot_mover.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace redline {
namespace {

constexpr std::size_t kListed = 500;  ///< keys of a slot in one answer
constexpr std::size_t kAhead = 250;   ///< keys known beyond the batch before more are asked for
constexpr std::size_t kSizesAtOnce = 128;  ///< MEMORY USAGE is about 1 µs each
constexpr int kMostFailures = 3;
constexpr Nanos kLongestRest = 50 * kMillisecond;  ///< also after a key that took seconds
constexpr auto kAfterFailure = std::chrono::milliseconds(50);
/// MIGRATE of a collection of millions of elements takes seconds, and must not time out.
constexpr Nanos kMigrateTimeout = 60 * kSecond;
constexpr Nanos kMigrateAnswerTimeout = kMigrateTimeout + 5 * kSecond;
/// A key smaller than this that took longer than the budget was delayed by something else.
constexpr std::uint64_t kLargeBytes = 64 * 1024;

using Commands = std::vector<std::vector<std::string>>;

tl::unexpected<Error> interruption() {
  return fail(ErrorCode::interrupted, "interrupted before all slots had moved");
}

bool sameWay(const SlotMove& one, const SlotMove& other) {
  return one.from.id == other.from.id && one.to.id == other.to.id;
}

}  // namespace

SlotMover::SlotMover(ClusterAdmin& cluster, std::span<const Endpoint> masters,
                     const MoveOptions& options)
    : cluster_(cluster), masters_(masters), options_(options), sizer_(options.maxBlock) {}

Status SlotMover::move(std::span<const SlotMove> moves) {
  while (!moves.empty()) {
    std::size_t count = 1;
    while (count < std::min(moves.size(), options_.slotsAtOnce) && sameWay(moves[0], moves[count]))
      ++count;
    if (auto moved = moveGroup(moves.first(count)); !moved) return moved;
    moves = moves.subspan(count);
  }
  return {};
}

Status SlotMover::moveGroup(std::span<const SlotMove> group) {
  if (interrupted()) return interruption();
  if (auto opened = open(group); !opened) return opened;
  pending_.clear();
  toList_.clear();
  blockedUs_.reset();
  for (const SlotMove& move : group) toList_.push_back(move.slot);
  while (!toList_.empty()) {
    if (auto drained = drain(group.front().from, group.front().to); !drained) return drained;
    if (auto looked = findLeft(group); !looked) return looked;
  }
  return close(group);
}

Status SlotMover::setSlots(const Endpoint& node, std::span<const SlotMove> group,
                           std::string_view state, std::string_view id) {
  Commands commands;
  for (const SlotMove& move : group)
    commands.push_back(
        {"CLUSTER", "SETSLOT", std::to_string(move.slot), std::string(state), std::string(id)});
  auto admin = cluster_.at(node);
  if (!admin) return fail(std::move(admin.error()));
  auto replies = (*admin)->pipeline(commands);
  if (!replies) return fail(std::move(replies.error()));
  for (std::size_t i = 0; i < replies->size(); ++i)
    if ((*replies)[i].isError())
      return fail(ErrorCode::refused, "{} refuses CLUSTER SETSLOT {} {}: {}", node.text(),
                  group[i].slot, state, (*replies)[i].text);
  return {};
}

/// The target first: a client that the source sends there must find it ready.
Status SlotMover::open(std::span<const SlotMove> group) {
  const SlotMove& first = group.front();
  if (auto set = setSlots(first.to.endpoint, group, "IMPORTING", first.from.id); !set) return set;
  return setSlots(first.from.endpoint, group, "MIGRATING", first.to.id);
}

/// The target first again: until it owns the slot, a client that the source no longer serves would
/// be sent back and forth.
Status SlotMover::close(std::span<const SlotMove> group) {
  const SlotMove& first = group.front();
  if (auto set = setSlots(first.to.endpoint, group, "NODE", first.to.id); !set) return set;
  if (auto set = setSlots(first.from.endpoint, group, "NODE", first.to.id); !set) return set;
  for (const Endpoint& master : masters_) {
    if (master == first.to.endpoint || master == first.from.endpoint) continue;
    // One that does not answer learns it from the others.
    if (auto set = setSlots(master, group, "NODE", first.to.id);
        !set && set.error().code == ErrorCode::refused)
      return set;
  }
  figures_.slots += group.size();
  if (options_.progress) options_.progress(figures_);
  return {};
}

Status SlotMover::findLeft(std::span<const SlotMove> group) {
  Commands commands;
  for (const SlotMove& move : group)
    commands.push_back({"CLUSTER", "COUNTKEYSINSLOT", std::to_string(move.slot)});
  auto admin = cluster_.at(group.front().from.endpoint);
  if (!admin) return fail(std::move(admin.error()));
  auto replies = (*admin)->pipeline(commands);
  if (!replies) return fail(std::move(replies.error()));
  for (std::size_t i = 0; i < replies->size(); ++i)
    if ((*replies)[i].asInteger().value_or(0) > 0) toList_.push_back(group[i].slot);
  return {};
}

Status SlotMover::drain(const ClusterMember& from, const ClusterMember& to) {
  while (!toList_.empty() || !pending_.empty()) {
    if (interrupted()) return interruption();
    if (auto done = carryOut(nextStep(), from, to); !done) return done;
    if (options_.progress) options_.progress(figures_);
  }
  return {};
}

SlotMover::Step SlotMover::nextStep() const {
  Step step;
  std::vector<std::uint64_t> bytes;  // of the keys that may go now: sized, and of one slot
  for (const PendingKey& each : pending_) {
    if (!each.bytes || each.slot != pending_.front().slot || bytes.size() == BatchSizer::kMostKeys)
      break;
    bytes.push_back(*each.bytes);
  }
  if (!bytes.empty()) step.migrate = sizer_.take(bytes);
  const auto unsized = std::ranges::find_if(pending_, [](const auto& key) { return !key.bytes; });
  step.sizesFrom = static_cast<std::size_t>(unsized - pending_.begin());
  if (step.sizesFrom < step.migrate + kAhead)
    step.sizes = std::min(kSizesAtOnce, pending_.size() - step.sizesFrom);
  if (!toList_.empty() && pending_.size() < step.migrate + kAhead) step.list = toList_.front();
  return step;
}

Status SlotMover::carryOut(const Step& step, const ClusterMember& from, const ClusterMember& to) {
  Commands commands;
  if (step.migrate > 0) commands.push_back(migrateCommand(to.endpoint, step.migrate));
  for (std::size_t i = 0; i < step.sizes; ++i)
    commands.push_back({"MEMORY", "USAGE", pending_[step.sizesFrom + i].key});
  if (step.list)
    commands.push_back(
        {"CLUSTER", "GETKEYSINSLOT", std::to_string(*step.list), std::to_string(kListed)});
  commands.push_back({"INFO", "commandstats"});
  auto admin = cluster_.at(from.endpoint);
  if (!admin) return fail(std::move(admin.error()));
  if (step.migrate > 0) rest();
  const Nanos begin = SteadyClock::read();
  auto replies = (*admin)->pipeline(commands, kMigrateAnswerTimeout);
  const Nanos end = SteadyClock::read(), elapsed = end - begin;
  if (!replies) return fail(std::move(replies.error()));

  const std::span<const Value> all(*replies);
  const Nanos blocked = settleBlocked(all.back()).value_or(elapsed);
  if (step.migrate > 0) restEnd_ = end + static_cast<Nanos>(options_.rest) * blocked;
  const std::size_t first = step.migrate > 0 ? 1 : 0;
  settleSizes(step, all.subspan(first, step.sizes));
  if (step.list)
    if (auto listed = settleList(*step.list, all[first + step.sizes]); !listed) return listed;
  return step.migrate > 0 ? settleMigrate(step.migrate, all.front(), blocked, elapsed) : Status{};
}

void SlotMover::rest() const {
  const Nanos left = std::min(restEnd_ - SteadyClock::read(), kLongestRest);
  if (left > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(left));
}

std::optional<Nanos> SlotMover::settleBlocked(const Value& reply) {
  const ServerInfo info = parseServerInfo(reply.text);
  const auto found = info.commandStats.find("migrate");
  const auto now = found == info.commandStats.end()
                       ? std::uint64_t{0}
                       : static_cast<std::uint64_t>(found->second.usec);
  const auto before = std::exchange(blockedUs_, now);
  if (!before || now < *before) return {};
  return saturated(static_cast<std::int64_t>(now - *before), kMicrosecond);
}

void SlotMover::settleSizes(const Step& step, std::span<const Value> replies) {
  // A key that has gone in the meantime has no size, and MIGRATE passes over it.
  for (std::size_t i = 0; i < replies.size(); ++i)
    pending_[step.sizesFrom + i].bytes =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, replies[i].asInteger().value_or(0)));
}

Status SlotMover::settleList(std::uint16_t slot, const Value& reply) {
  if (reply.type != Value::Type::array)
    return fail(ErrorCode::refused, "CLUSTER GETKEYSINSLOT {} is answered with: {}", slot,
                reply.text);
  toList_.pop_front();
  // While the slot migrates, no key can appear at its source: what is listed stays good.
  for (const Value& key : reply.items) pending_.push_back({key.text, slot, {}});
  return {};
}

Status SlotMover::settleMigrate(std::size_t keys, const Value& reply, Nanos blocked,
                                Nanos elapsed) {
  if (reply.isError()) {
    if (!reply.text.starts_with("IOERR") || ++failures_ >= kMostFailures)
      return fail(ErrorCode::refused, "MIGRATE of {} keys of slot {} failed: {}", keys,
                  pending_.front().slot, reply.text);
    std::this_thread::sleep_for(kAfterFailure);
    return {};
  }
  failures_ = 0;
  std::vector<std::uint64_t> bytes;
  bytes.reserve(keys);
  for (std::size_t i = 0; i < keys; ++i) bytes.push_back(*pending_[i].bytes);
  sizer_.observe(bytes, blocked);
  ++figures_.calls;
  figures_.longest = std::max(figures_.longest, elapsed);
  figures_.longestBlock = std::max(figures_.longestBlock, blocked);
  if (blocked > options_.maxBlock) ++figures_.overBudget;
  figures_.largestBatch = std::max<std::uint64_t>(figures_.largestBatch, keys);
  for (const std::uint64_t each : bytes) figures_.bytes += each;
  if (reply.text != "NOKEY") figures_.keys += keys;
  if (keys == 1 && blocked > options_.maxBlock && bytes.front() >= kLargeBytes) {
    const LargeKey large{pending_.front().key, pending_.front().slot, bytes.front(), blocked};
    if (++figures_.largeKeyCount <= MoveFigures::kMostLargeKeys)
      figures_.largeKeys.push_back(large);
    if (options_.largeKey) options_.largeKey(large);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(keys));
  return {};
}

/// REPLACE: what the target may hold of the key is the remains of a MIGRATE that was broken off; as
/// long as the source has the key, the source serves it.
std::vector<std::string> SlotMover::migrateCommand(const Endpoint& target, std::size_t keys) const {
  std::vector<std::string> command{
      "MIGRATE", target.host, std::to_string(target.port),
      "",        "0",         std::to_string(kMigrateTimeout / kMillisecond),
      "REPLACE"};
  const Credentials& credentials = cluster_.credentials();
  if (!credentials.password.empty() && !credentials.user.empty())
    command.insert(command.end(), {"AUTH2", credentials.user, credentials.password});
  else if (!credentials.password.empty())
    command.insert(command.end(), {"AUTH", credentials.password});
  command.emplace_back("KEYS");
  for (std::size_t i = 0; i < keys; ++i) command.push_back(pending_[i].key);
  return command;
}

}  // namespace redline
