#include <fmt/format.h>

#include "base/text.h"
#include "pg/pg_admin.h"
#include "run/load_run.h"

namespace redline {
namespace {

/// That of the stack which the first of the servers belongs to.
std::optional<PgAddress> storeOf(const LoadRunPlan& plan) {
  const OwnServer* const own = findOwn(plan.own, plan.load.target);
  if (own == nullptr || !own->backing) return std::nullopt;
  PgAddress address = *own->backing;
  address.password = plan.load.credentials.password;
  return address;
}

FillWatcher fillWatcher(const LoadWatcher& watcher) {
  FillWatcher fill;
  fill.onRows = [&watcher](Nanos now, std::uint64_t rows, bool over) {
    if (watcher.onStoreRows) watcher.onStoreRows({now, rows, over});
  };
  fill.onPhase = watcher.onStorePhase;
  fill.interrupted = watcher.interrupted;
  return fill;
}

}  // namespace

Result<std::optional<StoreFillOutcome>> fillStore(const LoadRunPlan& plan,
                                                  const LoadWatcher& watcher) {
  if (plan.store == StoreFill::none) return std::optional<StoreFillOutcome>();
  const auto address = storeOf(plan);
  if (!address && plan.store == StoreFill::only)
    return fail(ErrorCode::refused,
                "-store=only: {} is not of a stack with a PostgreSQL: 'redline stack up node "
                "-backing=postgres' starts one",
                plan.load.target.text());
  if (!address) return std::optional<StoreFillOutcome>();
  auto admin = PgAdmin::connect(*address, PgAdmin::kDefaultTimeout, 0);
  if (!admin) return fail(std::move(admin.error()));
  StoreFillOutcome outcome;
  outcome.address = *address;
  outcome.table = {plan.load.seed, plan.load.keys, plan.load.valueSize};
  auto filled = fillCacheTable(*admin, outcome.table, fillWatcher(watcher));
  if (!filled) return fail(std::move(filled.error()));
  outcome.figures = *filled;
  const auto bytes = admin->value("SELECT pg_total_relation_size('cache_entries')");
  outcome.bytes = bytes ? toNumber<std::uint64_t>(*bytes).value_or(0) : 0;
  return std::optional(std::move(outcome));
}

}  // namespace redline
