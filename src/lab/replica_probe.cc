#include "lab/replica_probe.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <thread>

#include "base/numbers.h"
#include "base/units.h"
#include "server/admin.h"

namespace redline::lab {
namespace {

/// A replica that loads its master's data answers late, and is asked again.
constexpr Nanos kReplicaPatience = 20 * kSecond;

void sleepFor(Nanos span) {
  if (span > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(span));
}

/// Reads until `version` comes, or somebody has had enough.
Status readUntil(Admin& replica, const std::string& key, const std::string& version,
                 StaleWindow& window, const std::function<bool()>& isOver) {
  constexpr Nanos kAskAgain = 2 * kMillisecond;  // what refuses has nothing new in microseconds
  Nanos refusedFrom = 0;
  while (true) {
    const Nanos sent = SteadyClock::read();
    const auto reply = replica.commandRaw({"GET", key}, kReplicaPatience);
    if (!reply) return fail(reply.error());
    const Nanos now = SteadyClock::read();
    if (reply->isError()) {
      if (refusedFrom == 0) refusedFrom = sent;
      window.refused = now - refusedFrom;
      sleepFor(kAskAgain);
    } else if (reply->text == version) {
      window.atMost = now - window.acknowledged;
      return {};
    } else {
      window.atLeast = sent - window.acknowledged;
    }
    window.atMost = now - window.acknowledged;
    if (isOver()) {
      window.closed = false;
      return {};
    }
  }
}

/// How far the master believes its replica to be behind; not a number where it has none.
double masterSays(const ServerInfo& info) {
  // "ip=127.0.0.1,port=7700,state=online,offset=42,lag=0"
  const std::string_view text = info.text("slave0");
  constexpr std::string_view kOffset = "offset=";
  const std::size_t at = text.find(kOffset);
  if (at == std::string_view::npos) return kNaN;
  const std::string_view rest = text.substr(at + kOffset.size());
  const auto offset = parseCount(rest.substr(0, rest.find(',')));
  if (!offset) return kNaN;
  return info.number("master_repl_offset") - static_cast<double>(*offset);
}

}  // namespace

WindowsAround windowsAround(const std::vector<StaleWindow>& windows, Nanos moment, Nanos span) {
  WindowsAround around;
  // A window that is open at that moment may be its doing.
  const auto isAfter = [&](const StaleWindow& w) { return w.acknowledged + w.atMost >= moment; };
  for (const StaleWindow& window : windows) {
    const double us = toMicros(window.atMost);
    if (!isAfter(window)) {
      if (window.acknowledged >= moment - span)
        around.worstBeforeUs = std::max(around.worstBeforeUs, us);
      continue;
    }
    around.worstAfterUs = std::max(around.worstAfterUs, us);
    if (window.acknowledged < moment + span)
      around.worstAsLongAfterUs = std::max(around.worstAsLongAfterUs, us);
    around.refusedUs = std::max(around.refusedUs, toMicros(window.refused));
  }
  for (const StaleWindow& window : windows) {
    if (!isAfter(window) || toMicros(window.atMost) <= 2 * around.worstBeforeUs) continue;
    around.isOpenAtEnd |= !window.closed;
    around.recoveredUs =
        std::max(around.recoveredUs, toMicros(window.acknowledged + window.atMost - moment));
  }
  if (around.isOpenAtEnd) around.recoveredUs = kNaN;
  return around;
}

Result<PairWatch> watchPair(Bench& bench, const WatchedPair& pair, Nanos pause, Nanos sampled,
                            const std::function<bool()>& isOver) {
  const Endpoint at = bench.stack().node(pair.master).endpoint();
  const Endpoint from = bench.stack().node(pair.replica).endpoint();
  auto master = Admin::connect(at, {}, kReplicaPatience);
  if (!master) return fail(master.error());
  auto replica = Admin::connect(from, {}, kReplicaPatience);
  if (!replica) return fail(replica.error());
  if (const auto readOnly = replica->command({"READONLY"}); !readOnly)
    return fail(readOnly.error());

  PairWatch watch;
  ReplicationLag lag({{at, from}}, {}, sampled);
  const auto offsetNow = [&]() -> Result<double> {
    const auto info = master->info({"replication"});
    if (!info) return fail(info.error());
    if (const double behind = masterSays(*info); std::isfinite(behind))
      watch.masterSays.push_back(behind);
    return info->number("master_repl_offset");
  };
  const auto firstOffset = offsetNow();
  if (!firstOffset) return fail(firstOffset.error());
  const Nanos begin = SteadyClock::read();
  Nanos asked = begin;
  // Versions begin where no earlier run's can be.
  const auto base = static_cast<std::uint64_t>(begin);
  for (std::uint64_t n = 0; !isOver(); ++n) {
    const std::string version = std::to_string(base + n);
    if (const auto set = master->command({"SET", pair.key, version}, kReplicaPatience); !set)
      return fail(set.error());
    StaleWindow window{.acknowledged = SteadyClock::read()};
    if (auto read = readUntil(*replica, pair.key, version, window, isOver); !read)
      return fail(read.error());
    watch.windows.push_back(window);
    if (SteadyClock::read() - asked >= sampled) {
      asked = SteadyClock::read();
      if (const auto now = offsetNow(); !now) return fail(now.error());
    }
    sleepFor(pause);
  }
  const auto lastOffset = offsetNow();
  if (!lastOffset) return fail(lastOffset.error());
  watch.streamBytesPerS = (*lastOffset - *firstOffset) / toSeconds(SteadyClock::read() - begin);
  lag.stop();
  watch.samples = lag.samples();
  return watch;
}

}  // namespace redline::lab
