#include "top/node_watcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/periodic.h"
#include "base/text.h"
#include "server/admin.h"
#include "server/key_look.h"
#include "server/observer_names.h"
#include "server/server_log.h"

namespace redline {
namespace {

// Sources that a user may not have.
constexpr std::string_view kSlowLog = "the slow log", kLatencyEvents = "latency events";
constexpr std::size_t kKeysAtOnce = 50;  ///< they are executed in one go
constexpr int kDefaultLogFactor = 10;
constexpr std::size_t kSlotsAtOnce = 64;
constexpr std::size_t kSlotsAnInterval = 512;
constexpr Nanos kLastChance = 100 * kMillisecond;

}  // namespace

class NodeWatcher::Loop {
 public:
  explicit Loop(NodeWatcher& watcher) : watcher_(watcher), plan_(watcher.plan_) {}

  void run() {
    Nanos next = SteadyClock::read();
    do {
      look();
      next = nextDue(next, plan_.interval, SteadyClock::read());
      exploreUntil(next);
    } while (sleepUntil(next));
  }

 private:
  /// False when it is time to stop.
  bool sleepUntil(Nanos when) {
    std::unique_lock lock(watcher_.mutex_);
    const auto until = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(when));
    return !watcher_.wake_.wait_until(lock, until, [&] { return watcher_.stopping_; });
  }

  Status connect() {
    if (admin_ && admin_->connected()) return {};
    admin_.reset();
    auto fresh = Admin::connect(plan_.node, plan_.credentials, plan_.timeout, &watcher_.waitLimit_);
    if (!fresh) return fail(std::move(fresh.error()));
    admin_.emplace(std::move(*fresh));
    (void)ask("client|setname", {"CLIENT", "SETNAME", kTopClient});
    withheld_.clear();
    readSettings();
    return {};
  }

  /// What the owner has said since.
  void hear() {
    const std::lock_guard lock(watcher_.mutex_);
    for (const auto& [name, count] : std::exchange(watcher_.sentByOthers_, {}))
      sent_[name] += count;
    if (ranges_ == watcher_.slots_) return;
    ranges_ = watcher_.slots_;
    slots_.clear();
    nextSlot_ = 0;
    for (const SlotRange& range : ranges_)
      for (unsigned slot = range.first; slot <= range.last; ++slot)
        slots_.push_back(static_cast<std::uint16_t>(slot));
  }

  /// One command, counted as ours.
  Result<Value> ask(std::string_view name, std::initializer_list<std::string_view> command) {
    ++sent_[std::string(name)];
    return admin_->commandRaw(command);
  }
  void count(std::string_view name, std::size_t commands) { sent_[std::string(name)] += commands; }

  /// What the server does not record, or does not tell this user.
  void readSettings() {
    notes_.clear();
    const auto get = [this](std::string_view name) -> std::optional<double> {
      const auto reply = ask("config|get", {"CONFIG", "GET", name});
      const Value* const value = reply && !reply->isError() ? reply->find(name) : nullptr;
      return value == nullptr ? std::nullopt : toNumber<double>(value->text);
    };
    if (get("latency-monitor-threshold") == 0.0)
      notes_.push_back(
          "latency events are not recorded: CONFIG SET latency-monitor-threshold 5 (ms)");
    if (get("slowlog-log-slower-than").value_or(0) < 0)
      notes_.push_back("the slow log is off: CONFIG SET slowlog-log-slower-than 10000 (us)");
    const auto factor = get("lfu-log-factor");
    logFactor_ = factor.value_or(kDefaultLogFactor);
    logFactorKnown_ = factor.has_value();
  }

  /// A source that this user may not have is asked once and noted.
  bool has(std::string_view source) const { return withheld_.find(source) == withheld_.end(); }
  void withhold(std::string_view source, std::string_view words) {
    withheld_.insert(std::string(source));
    notes_.push_back(fmt::format("{} cannot be read: {}", source, words));
  }

  /// Reads INFO and the logs, and reports.
  void look() {
    NodeReport report;
    report.node = plan_.node;
    const bool connected = admin_ && admin_->connected();
    Status read = readAll(report);
    // A lost connection says only when it is made again whether anything is wrong.
    if (!read && connected && read.error().code == ErrorCode::unreachable) read = readAll(report);
    report.at = report.at == 0 ? SteadyClock::read() : report.at;
    if (!read) {
      if (read.error().code == ErrorCode::interrupted) return;
      report.problem = read.error().message;
      report.silent = read.error().code == ErrorCode::timeout;
    }
    report.keys = board_.sample();
    report.slots = std::exchange(counted_, {});
    report.notes = notes_;
    watcher_.onReport_(std::move(report));
  }

  Status readAll(NodeReport& report) {
    if (auto there = connect(); !there) return there;
    hear();
    ++sent_["info"];
    auto info = admin_->info(
        {"server", "clients", "memory", "stats", "replication", "cpu", "commandstats", "keyspace"});
    if (!info) return fail(withoutInfo(std::move(info.error())));
    report.at = SteadyClock::read();
    report.info = std::move(*info);
    report.sent = std::exchange(sent_, {});
    learn(report.info, report.sent);
    readSlowLog(report);
    readLatency(report);
    report.logsRead = has(kSlowLog) && has(kLatencyEvents);
    return {};
  }

  /// What a user can do about it: without INFO there are no figures at all.
  static Error withoutInfo(Error error) {
    if (error.code != ErrorCode::refused) return error;
    const bool mayNot = error.message.find("NOPERM") != std::string::npos;
    error.message = fmt::format(
        "INFO is refused, so nothing is known of it: {} ({})",
        mayNot ? "the user needs +info" : "is it renamed by rename-command?", error.message);
    return error;
  }

  /// What looking at keys cost lately, and what there is.
  void learn(const ServerInfo& info, const SentCommands& sent) {
    if (before_ && before_->text("run_id") != info.text("run_id")) {
      slowLog_.restart();
      before_.reset();
    }
    const auto space = info.keyspace.find(0);
    keys_ = space == info.keyspace.end() ? 0 : space->second.keys;
    isMaster_ = info.role() == "master";
    counters_ = countsUses(info.text("maxmemory_policy")) && has("uses of keys");
    board_.describe(isMaster_ ? keys_ : 0, counters_, logFactor_);
    noteLogFactor();
    if (before_) keyUs_ = costOf(*before_, info, keyCommandsIn(sent)).serverUs;
    lookedThen_ = std::exchange(looked_, 0);
    before_ = info;
  }

  void noteLogFactor() {
    if (!counters_ || std::exchange(logFactorKnown_, true)) return;
    notes_.push_back(
        fmt::format("lfu-log-factor cannot be read: uses of keys are reckoned with {}, its default",
                    kDefaultLogFactor));
  }

  static SentCommands keyCommandsIn(const SentCommands& sent) {
    SentCommands ofKeys;
    for (const std::string_view name : {"scan", "memory|usage", "object|freq", "type"})
      if (const auto found = sent.find(name); found != sent.end()) ofKeys.insert(*found);
    return ofKeys;
  }

  void readSlowLog(NodeReport& report) {
    if (!has(kSlowLog)) return;
    auto reply = ask("slowlog|get", {"SLOWLOG", "GET", "32"});
    if (reply && slowLog_.hasGap(*reply)) reply = ask("slowlog|get", {"SLOWLOG", "GET", "-1"});
    if (!reply) return;
    if (reply->isError()) return withhold(kSlowLog, reply->text);
    for (Event& event : slowLog_.read(*reply, wallNow()))
      if (!isOfObserver(event)) add(report, std::move(event));
  }

  void readLatency(NodeReport& report) {
    if (!has(kLatencyEvents)) return;
    const auto latest = ask("latency|latest", {"LATENCY", "LATEST"});
    if (!latest) return;
    if (latest->isError()) return withhold(kLatencyEvents, latest->text);
    if (!std::exchange(latencyKnown_, true)) return latency_.start(*latest);
    for (const std::string& name : latency_.changed(*latest)) {
      const auto history = ask("latency|history", {"LATENCY", "HISTORY", name});
      if (!history) return;
      if (history->isError()) return withhold(kLatencyEvents, history->text);
      for (Event& event : latency_.read(name, *history, wallNow() / kSecond, 0, false))
        add(report, std::move(event));
    }
  }

  void add(NodeReport& report, Event event) const {
    event.node = plan_.node.text();
    report.events.push_back(std::move(event));
  }

  /// Looks at keys and slots in small batches, spread over the time until `next`.
  void exploreUntil(Nanos next) {
    if (!isMaster_ || !admin_ || !admin_->connected() || !has("keys")) return;
    const std::uint64_t keys =
        std::min(affordableKeys(keyUs_, lookedThen_, plan_.interval, plan_.budget), keys_);
    const std::size_t slots = std::min(kSlotsAnInterval, slots_.size());
    const std::size_t batches = (keys + kKeysAtOnce - 1) / kKeysAtOnce;
    const Nanos begin = SteadyClock::read();
    const Nanos span = std::max<Nanos>(0, next - begin) * 9 / 10;
    Status good = lookAgain();
    for (std::size_t batch = 0; good && batch < batches; ++batch) {
      const Nanos due = begin + span * static_cast<Nanos>(batch) / static_cast<Nanos>(batches);
      if (SteadyClock::read() > next || !sleepUntil(due)) break;
      good = lookAtPage();
    }
    // A few at least; the others have another time, where this one is over.
    for (std::size_t done = 0;
         good && has("keys by slot") && done < slots && (done == 0 || SteadyClock::read() < next);
         done += kSlotsAtOnce)
      good = countSlots(std::min(kSlotsAtOnce, slots - done));
    // A lost connection shows when INFO is asked for; other errors pass.
    if (!good && good.error().code == ErrorCode::refused) withhold("keys", good.error().message);
  }

  Status lookAtPage() {
    count("scan", 1);
    auto page = scanKeys(*admin_, cursor_, kKeysAtOnce);
    if (!page) return fail(std::move(page.error()));
    const auto keys = examine(page->names);
    if (!keys) return fail(keys.error());
    looked_ += page->names.size();
    board_.take(*keys);
    cursor_ = std::move(page->next);
    if (cursor_ == "0") board_.endSweep();
    return describeOne();
  }

  /// The keys that are shown are looked at each time.
  Status lookAgain() {
    const std::vector<std::string> names = board_.ranked();
    if (names.empty()) return {};
    const auto keys = examine(names);
    if (!keys) return fail(keys.error());
    looked_ += names.size();
    board_.takeAgain(names, *keys);
    return describeOne();
  }

  Result<std::vector<ExaminedKey>> examine(const std::vector<std::string>& names) {
    count("memory|usage", names.size());
    if (counters_) count("object|freq", names.size());
    auto keys = examineKeys(*admin_, names, counters_);
    if (keys || keys.error().code != ErrorCode::refused || !counters_) return keys;
    // Perhaps it is the uses alone that this user may not have.
    counters_ = false;
    count("memory|usage", names.size());
    auto sizes = examineKeys(*admin_, names, false);
    if (sizes) {
      withhold("uses of keys", keys.error().message);
      board_.describe(keys_, false, logFactor_);
    }
    return sizes;
  }

  Status describeOne() {
    const ExaminedKey* const known = board_.undescribed();
    if (known == nullptr) return {};
    ExaminedKey key = *known;
    count("type", 1);
    if (auto done = addElements(*admin_, key); !done) return done;
    if (const std::string_view command = countingCommand(key.type); !command.empty())
      count(toLower(command), 1);
    board_.describeKey(key);
    return {};
  }

  Status countSlots(std::size_t most) {
    std::vector<std::uint16_t> some;
    for (std::size_t i = 0; i < most; ++i) {
      some.push_back(slots_[nextSlot_]);
      nextSlot_ = (nextSlot_ + 1) % slots_.size();
    }
    count("cluster|countkeysinslot", some.size());
    const auto counts = countKeysInSlots(*admin_, some);
    if (!counts && counts.error().code == ErrorCode::refused) {
      withhold("keys by slot", counts.error().message);
      return {};
    }
    if (!counts) return fail(counts.error());
    for (std::size_t i = 0; i < some.size(); ++i) counted_.emplace_back(some[i], (*counts)[i]);
    return {};
  }

  NodeWatcher& watcher_;
  const WatchPlan& plan_;
  std::optional<Admin> admin_;
  SlowlogReader slowLog_;
  LatencyReader latency_;
  bool latencyKnown_ = false;
  std::set<std::string, std::less<>> withheld_;
  std::vector<std::string> notes_;
  SentCommands sent_;  ///< since INFO was read

  KeyBoard board_;
  std::optional<ServerInfo> before_;
  std::uint64_t keys_ = 0;
  bool isMaster_ = false, counters_ = false;
  double logFactor_ = kDefaultLogFactor;
  bool logFactorKnown_ = true;  ///< or the doubt is noted
  double keyUs_ = 0;            ///< what looking at keys took in the interval before
  std::uint64_t looked_ = 0, lookedThen_ = 0;
  std::string cursor_ = "0";
  std::vector<SlotRange> ranges_;
  std::vector<std::uint16_t> slots_;  ///< of `ranges_`
  std::size_t nextSlot_ = 0;
  std::vector<std::pair<std::uint16_t, std::uint64_t>> counted_;
};

NodeWatcher::NodeWatcher(WatchPlan plan, OnReport onReport)
    : plan_(std::move(plan)),
      onReport_(std::move(onReport)),
      waitLimit_(std::numeric_limits<Nanos>::max()),
      thread_([this] { Loop(*this).run(); }) {}

void NodeWatcher::watchSlots(std::vector<SlotRange> slots) {
  const std::lock_guard lock(mutex_);
  slots_ = std::move(slots);
}

void NodeWatcher::addSent(const SentCommands& sent) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, count] : sent) sentByOthers_[name] += count;
}

NodeWatcher::~NodeWatcher() {
  waitLimit_.store(SteadyClock::read() + kLastChance, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

}  // namespace redline
