#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "chaos/big_key.h"
#include "chaos/catalog.h"
#include "chaos/target.h"

namespace redline {
namespace {

/// The server's figures, before and after.
struct SizeReading {
  double commandUs = 0;  ///< all that it ever spent in the command
  double evicted = 0;
  std::int64_t slowlogId = -1;  ///< of its newest entry
};

class BigkeyOn final : public Fault {
 public:
  BigkeyOn(FaultArguments arguments, const FaultContext& context)
      : Fault(context),
        arguments_(std::move(arguments)),
        read_(*findBigRead(arguments_.text("command"))) {}

  Status prepare() override {
    if (auto good = checkNumbers(); !good) return good;
    const auto target = targetOf(arguments_, context_);
    if (!target) return fail(target.error());
    if (auto connected = connectToOwner(*target); !connected) return connected;
    const auto length = lengthOf();
    if (!length) return fail(length.error());
    const std::uint64_t wanted = arguments_.count("fields");
    if (read_.what == BigRead::What::keyspace || (*length > 0 && wanted == 0)) return {};
    const std::string_view key = bigKeyOf(read_.what);
    if (wanted == 0)
      return fail(ErrorCode::usage, "there is no {} on {}: add -fields=1M to make one", key,
                  findings_.node);
    if (*length == wanted) return {};
    if (*length > 0)
      return fail(ErrorCode::unsafe, "{} exists already, with {} {}: omit -fields to read it", key,
                  *length, elementsWord(read_.what));
    return make(wanted);
  }

  /// A reshard or a failover may have given the key to another node.
  Status check() override {
    auto known = connectToOwner(admin_->endpoint());
    return known || context_.servers.size() == 1 ? known : connectToOwnerBySeeds();
  }

  Status inject() override {
    const auto before = readServer();
    if (!before) return fail(before.error());
    const auto outcome = readBig(*admin_, read_, arguments_.count("page"), context_.interrupted);
    if (!outcome) return fail(outcome.error());
    const auto after = readServer();
    if (!after) return fail(after.error());
    report(*outcome, *before, *after);
    if (outcome->elements == 0 && read_.what != BigRead::What::keyspace)
      return fail(ErrorCode::refused, "{} found nothing in {}: was it evicted?", read_.command,
                  bigKeyOf(read_.what));
    return {};
  }

  Status tidy() override {
    if (!std::exchange(made_, false) || arguments_.on("keep")) return {};
    if (auto owner = check(); !owner) return owner;
    // UNLINK: the freeing of a million elements goes to a background thread.
    const auto gone = admin_->command({"UNLINK", bigKeyOf(read_.what)});
    if (!gone) return fail(gone.error());
    return {};
  }

 private:
  Status checkNumbers() const {
    if (arguments_.given("fields") && read_.what == BigRead::What::keyspace)
      return fail(ErrorCode::usage, "-fields does not apply to {}: it reads all keys",
                  read_.command);
    return {};
  }

  /// In a cluster the big key is on the node that owns its slot.
  Status connectToOwner(Endpoint endpoint) {
    constexpr int kHops = 3;
    for (int hop = 0; hop < kHops; ++hop) {
      auto admin = connectForFault(endpoint, context_);
      if (!admin) return fail(admin.error());
      admin_.emplace(std::move(*admin));
      findings_.node = endpoint.text();
      if (read_.what == BigRead::What::keyspace) return {};
      const auto reply = admin_->commandRaw({lengthCommand(read_.what), bigKeyOf(read_.what)});
      if (!reply) return fail(reply.error());
      if (!reply->isError() || !reply->text.starts_with("MOVED ")) return {};
      const auto owner = parseEndpoint(reply->text.substr(reply->text.rfind(' ') + 1));
      if (!owner) return fail(owner.error());
      endpoint = *owner;
    }
    return fail(ErrorCode::refused, "{} redirects in a circle for {}", endpoint.text(),
                bigKeyOf(read_.what));
  }

  Status connectToOwnerBySeeds() {
    Status last;
    for (const Endpoint& server : context_.servers)
      if (last = connectToOwner(server); last) return last;
    return last;
  }

  Result<std::uint64_t> lengthOf() {
    std::vector<std::string> args{std::string(lengthCommand(read_.what))};
    if (read_.what != BigRead::What::keyspace) args.emplace_back(bigKeyOf(read_.what));
    const auto reply = admin_->command(args);
    if (!reply) return fail(reply.error());
    return static_cast<std::uint64_t>(std::max<std::int64_t>(reply->integer, 0));
  }

  Status make(std::uint64_t fields) {
    const std::uint64_t size = arguments_.size("field-size");
    const auto info = admin_->info({"memory"});
    if (!info) return fail(info.error());
    const std::uint64_t limit = info->count("maxmemory");
    const std::uint64_t needed = bigKeyMemory(fields, size);
    if (limit != 0 && info->count("used_memory") + needed > limit && !context_.force)
      return fail(ErrorCode::noSpace,
                  "{} {} of {} take about {}, and {} of maxmemory {} are used: other keys "
                  "would be evicted; lower -fields, raise maxmemory, or insist with -force",
                  fields, elementsWord(read_.what), formatSize(size), formatSize(needed),
                  formatSize(info->count("used_memory")), formatSize(limit));
    made_ = true;
    return makeBigKey(*admin_, read_.what, fields, size, [&](std::uint64_t made) {
      progress(fmt::format("making {}: {} of {}", bigKeyOf(read_.what),
                           formatCount(static_cast<double>(made)),
                           formatCount(static_cast<double>(fields))));
      return !context_.interrupted();
    });
  }

  Result<SizeReading> readServer() {
    SizeReading reading;
    const auto info = admin_->info({"stats", "commandstats"});
    if (!info) return fail(info.error());
    const std::string command = toLower(read_.command);
    if (const auto found = info->commandStats.find(command); found != info->commandStats.end())
      reading.commandUs = found->second.usec;
    reading.evicted = info->number("evicted_keys");
    const auto newest = admin_->commandRaw({"SLOWLOG", "GET", "1"});
    if (newest && !newest->items.empty() && !newest->items[0].items.empty())
      reading.slowlogId = newest->items[0].items[0].integer;
    return reading;
  }

  /// The longest of our own entries that came after `last`, in µs; none: it was too short for the
  /// slow log.
  std::optional<double> longestInSlowlog(std::int64_t last) {
    const auto entries = admin_->commandRaw({"SLOWLOG", "GET", "-1"});
    std::optional<double> longest;
    if (!entries) return longest;
    for (const Value& entry : entries->items) {
      constexpr std::size_t kId = 0, kMicroseconds = 2, kArguments = 3, kFields = 6;
      if (entry.items.size() < kFields || entry.items[kId].integer <= last) continue;
      const Value& arguments = entry.items[kArguments];
      if (arguments.items.empty() || arguments.items[0].text != read_.command) continue;
      longest =
          std::max(longest.value_or(0), static_cast<double>(entry.items[kMicroseconds].integer));
    }
    return longest;
  }

  void report(const BigReadOutcome& outcome, const SizeReading& before, const SizeReading& after) {
    const double busy = after.commandUs - before.commandUs;
    const double evicted = after.evicted - before.evicted;
    const auto slow = longestInSlowlog(before.slowlogId);
    findings_.figures = {
        {std::string(elementsWord(read_.what)), static_cast<double>(outcome.elements)},
        {"reply_bytes", static_cast<double>(outcome.bytes)},
        {"calls", static_cast<double>(outcome.calls)},
        {"read_s", toSeconds(outcome.span)},
        {"longest_call_us", toMicros(outcome.longestCall)},
        {"server_us", busy},
        {"evicted_keys", evicted}};
    if (slow) findings_.figures.emplace_back("slowlog_us", *slow);
    findings_.detail = fmt::format(
        "{} {}: {} {}, {} in {} and {}; the server was busy with it for {}{}, "
        "evicted {:.0f} keys meanwhile",
        read_.word, read_.what == BigRead::What::keyspace ? "*" : bigKeyOf(read_.what),
        outcome.elements, elementsWord(read_.what), formatSize(outcome.bytes),
        plural(outcome.calls, "call"), formatDuration(outcome.span), formatMicros(busy),
        slow ? fmt::format(" (slow log: {} the longest)", formatMicros(*slow))
             : ", too short for its slow log",
        evicted);
  }

  FaultArguments arguments_;
  const BigRead& read_;
  std::optional<Admin> admin_;
  bool made_ = false;  ///< the big key is ours to remove
};

}  // namespace

FaultSpec bigkeyOnFault() {
  return {.name = "bigkey-on",
          .summary =
              "one O(N) command on a large key or the keyspace, or the SCAN family for comparison",
          .parameters = {targetParameter(),
                         {.name = "command",
                          .kind = ValueKind::choice,
                          .fallback = "hgetall",
                          .help = "the command: one O(N) call, or pages of the SCAN family",
                          .example = "keys",
                          .choices = {"keys", "scan", "hgetall", "hscan", "lrange", "lrange-pages",
                                      "smembers", "sscan"}},
                         {.name = "fields",
                          .kind = ValueKind::count,
                          .help = "create big:hash:0 (big:list:0, big:set:0) with this many fields "
                                  "(elements, members) before the load, and remove it afterwards",
                          .example = "1M",
                          .whenEmpty = "read the existing key",
                          .most = "100M"},
                         {.name = "field-size",
                          .kind = ValueKind::size,
                          .fallback = "100",
                          .help = "bytes of each created field's value, element or member",
                          .example = "1KB",
                          .most = "512MB"},
                         {.name = "keep",
                          .kind = ValueKind::boolean,
                          .help = "keep the created key",
                          .example = "true"},
                         {.name = "page",
                          .kind = ValueKind::count,
                          .fallback = "1000",
                          .help = "elements per page",
                          .example = "100",
                          .least = "1",
                          .most = "1M"}},
          .destructiveWith = "fields",
          .make = makeFault<BigkeyOn>};
}

}  // namespace redline
