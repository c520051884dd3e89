#include "run/store_fill.h"

#include <optional>
#include <utility>

#include "base/text.h"
#include "pg/cache_table.h"
#include "pg/pg_admin.h"

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

Result<StoreFillFigures> fillStore(const LoadRunPlan& plan, const LoadWatcher& watcher) {
  if (plan.store == StoreFill::none) return StoreFillFigures();
  const auto address = storeOf(plan);
  if (!address && plan.store == StoreFill::only)
    return fail(ErrorCode::refused,
                "-store=only: {} is not of a stack with a PostgreSQL: 'redline stack up node "
                "-backing=postgres' starts one",
                plan.load.target.text());
  if (!address) return StoreFillFigures();
  auto admin = PgAdmin::connect(*address, PgAdmin::kDefaultTimeout, 0);
  if (!admin) return fail(std::move(admin.error()));
  const CacheTable table{plan.load.seed, plan.load.keys, plan.load.valueSize};
  const auto filled = fillCacheTable(*admin, table, fillWatcher(watcher));
  if (!filled) return fail(filled.error());
  const auto bytes = admin->value("SELECT pg_total_relation_size('cache_entries')");
  const StoreFillFigures figures{.address = address->text(),
                                 .rows = table.keys,
                                 .bytes = bytes ? toNumber<std::uint64_t>(*bytes).value_or(0) : 0,
                                 .copyS = toSeconds(filled->copy),
                                 .indexS = toSeconds(filled->index),
                                 .commitS = toSeconds(filled->commit)};
  if (watcher.onStoreFilled) watcher.onStoreFilled(figures);
  return figures;
}

}  // namespace redline
