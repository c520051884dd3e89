#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/cluster_target.h"
#include "chaos/open_slots.h"
#include "chaos/slot_mover.h"

namespace redline {
namespace {

constexpr Nanos kAgreementLimit = 15 * kSecond;
constexpr Nanos kAgreementPoll = 50 * kMillisecond;

MoveOptions moveOptions(const FaultArguments& arguments) {
  MoveOptions options;
  options.maxBlock = arguments.duration("max-block");
  options.slotsAtOnce = arguments.count("slots-at-once");
  options.rest = arguments.count("rest");
  return options;
}

std::string largeKeyText(const LargeKey& large) {
  return fmt::format("{} (slot {}, {}) blocked its source for {}", large.key, large.slot,
                     formatSize(large.bytes), formatDuration(large.elapsed));
}

/// "; longer than -max-block for 2 keys: a (…) blocked its source for …, …".
std::string largeKeysText(const MoveFigures& moved) {
  if (moved.largeKeyCount == 0) return {};
  std::vector<std::string> names;
  names.reserve(moved.largeKeys.size());
  for (const LargeKey& large : moved.largeKeys) names.push_back(largeKeyText(large));
  return fmt::format("; {} {} larger than -max-block allows: {}{}", moved.largeKeyCount,
                     moved.largeKeyCount == 1 ? "key is" : "keys are", fmt::join(names, ", "),
                     moved.largeKeyCount > names.size() ? ", …" : "");
}

void addMoveFigures(Figures& figures, const MoveFigures& moved) {
  figures.insert(figures.end(), {{"slots", static_cast<double>(moved.slots)},
                                 {"keys", static_cast<double>(moved.keys)},
                                 {"bytes", static_cast<double>(moved.bytes)},
                                 {"migrate_calls", static_cast<double>(moved.calls)},
                                 {"longest_migrate_us", toMicros(moved.longest)},
                                 {"longest_block_us", toMicros(moved.longestBlock)},
                                 {"over_max_block", static_cast<double>(moved.overBudget)},
                                 {"largest_batch_keys", static_cast<double>(moved.largestBatch)},
                                 {"large_keys", static_cast<double>(moved.largeKeyCount)}});
}

/// Moves slots to another master while clients use them.
class Reshard final : public Fault {
 public:
  Reshard(const FaultArguments& arguments, const FaultContext& context)
      : Fault(context), arguments_(arguments), options_(moveOptions(arguments)) {}

  Status prepare() override {
    if (!arguments_.given("slots") || !arguments_.given("target"))
      return fail(ErrorCode::usage,
                  "-slots and -target are required, e.g. -slots=0-999 -target=127.0.0.1:7701");
    auto slots = parseSlotRanges(arguments_.text("slots"));
    if (!slots) return fail(ErrorCode::usage, "-slots: {}", slots.error().message);
    slots_ = std::move(*slots);
    auto cluster = connectCluster(context_);
    if (!cluster) return fail(std::move(cluster.error()));
    cluster_.emplace(std::move(*cluster));
    auto sound = check();
    // An earlier fault of the plan may move these slots away first: checked again at its time.
    if (!sound && alreadyThere_) return {};
    return sound;
  }

  /// Plans again: a failover may have changed the owners.
  Status check() override {
    auto view = cluster_->view();
    if (!view) return fail(std::move(view.error()));
    if (auto ours = checkMembers(*view, context_); !ours) return ours;
    auto target = masterNamed(*view, "target", arguments_.text("target"));
    if (!target) return fail(std::move(target.error()));
    target_ = std::move(*target);
    findings_.node = target_.endpoint.text();
    if (auto planned = plan(*view); !planned) return planned;
    if (auto reached = reachAll(); !reached) return reached;
    auto open = findOpenSlots(*cluster_);
    if (!open) return fail(std::move(open.error()));
    if (!open->empty())
      return fail(ErrorCode::refused,
                  "slot {}{} open: a reshard is running or was interrupted; `redline chaos "
                  "-action=reshard -heal` finishes an interrupted one",
                  open->front().slot,
                  open->size() == 1 ? " is" : fmt::format(" and {} others are", open->size() - 1));
    return {};
  }

  Status inject() override {
    options_.interrupted = context_.interrupted;
    options_.progress = [this](const MoveFigures& moved) { reportProgress(moved); };
    options_.largeKey = [this](const LargeKey& large) {
      pointSince("large-key", largeKeyText(large), large.elapsed,
                 {{"slot", large.slot}, {"bytes", static_cast<double>(large.bytes)}});
    };
    begin_ = now();
    const std::uint64_t blockedBefore = blockedUs();
    SlotMover mover(*cluster_, masters_, options_);
    auto moved = mover.move(moves_);
    const Nanos span = now() - begin_;
    open_ = !moved;
    report(mover.figures(), span, blockedUs() - blockedBefore);
    if (!moved && moved.error().code == ErrorCode::interrupted)
      return fail(
          ErrorCode::interrupted,
          "the run ended when {} of {} slots had moved: increase -duration, or move fewer slots",
          mover.figures().slots, moves_.size());
    if (!moved) return moved;
    return verify();
  }

  /// An interrupted move is finished, or rolled back if nothing had been moved.
  Status heal() override {
    if (!open_) return {};
    options_.interrupted = {};
    auto repaired = repairOpenSlots(*cluster_, options_);
    return repaired ? Status{} : fail(std::move(repaired.error()));
  }

 private:
  /// The source of each slot, or why it cannot be moved.
  Status plan(const ClusterView& view) {
    std::optional<ClusterMember> source;
    if (arguments_.given("source")) {
      auto named = masterNamed(view, "source", arguments_.text("source"));
      if (!named) return fail(std::move(named.error()));
      source = std::move(*named);
    }
    if (auto good = checkOwners(view, source); !good) return good;
    moves_.clear();
    masters_.clear();
    for (const ClusterMember* const master : view.masters()) {
      if (master->failed) continue;
      masters_.push_back(master->endpoint);
      for (const SlotRange& range : slots_)
        for (std::uint32_t slot = range.first; slot <= range.last; ++slot)
          if (master->owns(static_cast<std::uint16_t>(slot)))
            moves_.push_back({static_cast<std::uint16_t>(slot), *master, target_});
    }
    return {};
  }

  /// Each source and target of slots must be at the address that the cluster announces.
  Status reachAll() {
    std::vector<Endpoint> involved{target_.endpoint};
    for (const SlotMove& move : moves_)
      if (std::ranges::find(involved, move.from.endpoint) == involved.end())
        involved.push_back(move.from.endpoint);
    for (const Endpoint& endpoint : involved)
      if (auto admin = cluster_->at(endpoint); !admin)
        return fail(admin.error().code,
                    "the cluster announces the master {}, which cannot be used: {}",
                    endpoint.text(), admin.error().message);
    return {};
  }

  Status checkOwners(const ClusterView& view, const std::optional<ClusterMember>& source) {
    const auto those = [&](auto&& wrong) {
      return slotRangesWhere([&](std::uint16_t slot) {
        return std::ranges::any_of(slots_, [&](const auto& r) { return r.contains(slot); }) &&
               wrong(view.ownerOf(slot));
      });
    };
    if (const auto bare = those([](const auto* owner) { return owner == nullptr; }); !bare.empty())
      return fail(ErrorCode::refused, "slots {} have no owner: restore their master first",
                  formatSlotRanges(bare));
    const auto own = those([&](const auto* owner) { return owner->id == target_.id; });
    alreadyThere_ = !own.empty();
    if (alreadyThere_)
      return fail(ErrorCode::usage, "{} already owns slots {}: name other slots or another -target",
                  target_.endpoint.text(), formatSlotRanges(own));
    if (!source) return {};
    if (const auto foreign = those([&](const auto* owner) { return owner->id != source->id; });
        !foreign.empty())
      return fail(ErrorCode::usage, "{} does not own slots {}: it owns {}", source->endpoint.text(),
                  formatSlotRanges(foreign), formatSlotRanges(source->slots));
    return {};
  }

  /// Time that all sources have spent in MIGRATE, as they say themselves.
  std::uint64_t blockedUs() {
    double sum = 0;
    for (const Endpoint& master : masters_) {
      auto admin = cluster_->at(master);
      auto info =
          admin ? (*admin)->info({"commandstats"}) : Result<ServerInfo>(fail(admin.error()));
      if (info)
        if (const auto stat = info->commandStats.find("migrate"); stat != info->commandStats.end())
          sum += stat->second.usec;
    }
    return static_cast<std::uint64_t>(sum);
  }

  void reportProgress(const MoveFigures& moved) const {
    const auto done = static_cast<double>(moved.slots), all = static_cast<double>(moves_.size());
    std::string text = fmt::format("{} of {} slots have moved, with {} keys", moved.slots,
                                   moves_.size(), formatCount(static_cast<double>(moved.keys)));
    if (done > 0)
      text +=
          fmt::format(", {} left", formatDuration(static_cast<Nanos>(
                                       static_cast<double>(now() - begin_) * (all - done) / done)));
    progress(text);
  }

  void report(const MoveFigures& moved, Nanos span, std::uint64_t blocked) {
    const double seconds = toSeconds(span);
    const double share = seconds > 0 ? static_cast<double>(blocked) / 1e6 / seconds : 0;
    addMoveFigures(findings_.figures, moved);
    findings_.figures.insert(
        findings_.figures.end(),
        {{"duration_s", seconds},
         {"keys_per_s", seconds > 0 ? static_cast<double>(moved.keys) / seconds : 0},
         {"mean_migrate_us",
          moved.calls > 0 ? static_cast<double>(blocked) / static_cast<double>(moved.calls) : 0},
         {"source_blocked_share", share}});
    findings_.detail = fmt::format(
        "{} slots with {} keys ({}) moved in {}: {} calls of MIGRATE blocked the source for "
        "{:.0f}% of "
        "the time, the longest for {}, {} of them for more than {}{}",
        moved.slots, formatCount(static_cast<double>(moved.keys)), formatSize(moved.bytes),
        formatDuration(span), moved.calls, 100 * share, formatDuration(moved.longestBlock),
        moved.overBudget, formatDuration(options_.maxBlock), largeKeysText(moved));
  }

  /// All nodes, replicas included, must name the new owner; and no source may hold a key.
  Status verify() {
    std::vector<SlotRange> moved = slots_;
    std::string missing;
    for (const Nanos end = now() + kAgreementLimit;;) {
      missing = disagreement(moved);
      if (missing.empty()) break;
      if (now() >= end || !sleep(kAgreementPoll))
        return fail(ErrorCode::timeout, "the slots have moved, but {}", missing);
    }
    findings_.figures.emplace_back("agreed_after_s", toSeconds(now() - begin_));
    return {};
  }

  std::string disagreement(std::span<const SlotRange> moved) {
    auto view = cluster_->view();
    if (!view) return view.error().message;
    for (const ClusterMember& member : view->nodes) {
      if (member.failed) continue;
      auto seen = cluster_->viewOf(member.endpoint);
      if (!seen) return seen.error().message;
      const ClusterMember* const target = seen->byId(target_.id);
      if (target == nullptr || !target->ownsAll(moved))
        return fmt::format("{} does not know it", member.endpoint.text());
    }
    return {};
  }

  const FaultArguments& arguments_;
  MoveOptions options_;
  std::optional<ClusterAdmin> cluster_;
  std::vector<SlotRange> slots_;
  ClusterMember target_;
  std::vector<Endpoint> masters_;
  std::vector<SlotMove> moves_;
  Nanos begin_ = 0;
  bool open_ = false;          ///< slots may have been left open
  bool alreadyThere_ = false;  ///< the target owned some of the slots when they were last looked at
};

/// Finishes or rolls back an interrupted reshard.
class ReshardHeal final : public Fault {
 public:
  ReshardHeal(const FaultArguments& arguments, const FaultContext& context)
      : Fault(context), arguments_(arguments), options_(moveOptions(arguments)) {}

  Status prepare() override {
    for (const auto* const other : {"slots", "target", "source"})
      if (arguments_.given(other))
        return fail(ErrorCode::usage, "-heal finds the open slots itself: omit -{}", other);
    auto cluster = connectCluster(context_);
    if (!cluster) return fail(std::move(cluster.error()));
    cluster_.emplace(std::move(*cluster));
    auto view = cluster_->view();
    if (!view) return fail(std::move(view.error()));
    findings_.node = context_.servers.front().text();
    return checkMembers(*view, context_);
  }

  Status inject() override {
    options_.interrupted = context_.interrupted;
    auto repaired = repairOpenSlots(*cluster_, options_);
    if (!repaired) return fail(std::move(repaired.error()));
    addMoveFigures(findings_.figures, repaired->moved);
    findings_.figures.insert(findings_.figures.end(),
                             {{"finished", static_cast<double>(repaired->finished)},
                              {"rolled_back", static_cast<double>(repaired->rolledBack)},
                              {"settled", static_cast<double>(repaired->settled)}});
    findings_.detail =
        repaired->slots() == 0
            ? "no slot was open"
            : fmt::format("{} open slots: {} finished with {} keys, {} rolled back, {} settled",
                          repaired->slots(), repaired->finished, repaired->moved.keys,
                          repaired->rolledBack, repaired->settled);
    auto left = findOpenSlots(*cluster_);
    if (!left) return fail(std::move(left.error()));
    if (!left->empty())
      return fail(ErrorCode::refused, "{} slots are still open, the first is {}", left->size(),
                  left->front().slot);
    return {};
  }

 private:
  const FaultArguments& arguments_;
  MoveOptions options_;
  std::optional<ClusterAdmin> cluster_;
};

}  // namespace

FaultSpec reshardFault() {
  FaultSpec spec;
  spec.name = "reshard";
  spec.summary = "moves slots and their keys to another master, under load";
  spec.parameters = {
      {.name = "slots",
       .kind = ValueKind::text,
       .help = "the slots to move",
       .example = "0-999",
       .whenEmpty = "required"},
      {.name = "target",
       .kind = ValueKind::text,
       .help = "the master that gets the slots",
       .example = "127.0.0.1:7701",
       .whenEmpty = "required"},
      {.name = "source",
       .kind = ValueKind::text,
       .help = "the master that must own all of the slots",
       .example = "127.0.0.1:7700",
       .whenEmpty = "any owners"},
      {.name = "max-block",
       .kind = ValueKind::duration,
       .fallback = "1ms",
       .help = "how long one MIGRATE may block its source: batches are sized by the time of "
               "earlier ones. A slow target or a busy core can make it longer; over_max_block "
               "counts such calls",
       .example = "5ms",
       .least = "1us",
       .most = "1h"},
      {.name = "rest",
       .kind = ValueKind::count,
       .fallback = "0",
       .help = "pause after each MIGRATE, as a multiple of its blocking time: 4 leaves the source "
               "four fifths of its time",
       .example = "4",
       .most = "1M"},
      {.name = "slots-at-once",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "slots moved at a time: more need fewer round trips, but announce as many new "
               "owners at once",
       .example = "8",
       .least = "1",
       .most = "16384"},
      {.name = "heal",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "finish or roll back an interrupted reshard, instead of moving slots"},
  };
  spec.destructive = true;
  spec.clusterOnly = true;
  spec.make = [](const FaultArguments& arguments,
                 const FaultContext& context) -> std::unique_ptr<Fault> {
    return arguments.on("heal") ? makeFault<ReshardHeal>(arguments, context)
                                : makeFault<Reshard>(arguments, context);
  };
  return spec;
}

}  // namespace redline
