#include "lab/core_watch.h"

#include <algorithm>

#include "base/numbers.h"
#include "base/typed_value.h"
#include "base/units.h"

namespace redline {

CoreWatch::CoreWatch(const ScopedStack& stack, const LabCpus& cpus) : stack_(stack) {
  if (const auto cpu = parseCount(cpus.server); cpu && stack.size() == 1)
    core_ = static_cast<std::size_t>(*cpu);
  // What PostgreSQL used is in no figure of the server's.
  if (const PostgresServer* const store = stack.backing(); store != nullptr && core_) {
    const auto its = parseCpuList(store->config().cpus);
    if (!its || its->empty() || std::ranges::count(*its, *core_) != 0) core_.reset();
  }
  before_ = read();
}

std::optional<double> CoreWatch::share() const {
  const auto after = read();
  if (!before_ || !after) return std::nullopt;
  if (after->childIsAlive || after->childrenS > before_->childrenS) return std::nullopt;
  const double seconds = toSeconds(after->at - before_->at);
  const double busy = busyShare(before_->core, after->core);
  return std::clamp(busy - (after->serverS - before_->serverS) / seconds, 0.0, 1.0);
}

std::optional<CoreWatch::State> CoreWatch::read() const {
  if (!core_) return std::nullopt;
  auto admin = stack_.node().admin();
  if (!admin) return std::nullopt;
  const auto info = admin->info({"cpu", "persistence"});
  const CpuReading cpus = readCpuTimes();
  if (!info || *core_ >= cpus.cores.size()) return std::nullopt;
  return State{
      SteadyClock::read(), cpus.cores[*core_],
      info->number("used_cpu_sys") + info->number("used_cpu_user"),
      info->number("used_cpu_sys_children") + info->number("used_cpu_user_children"),
      info->number("rdb_bgsave_in_progress") > 0 || info->number("aof_rewrite_in_progress") > 0};
}

}  // namespace redline
