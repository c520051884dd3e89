#include "lab/slow_store.h"

#include <fmt/format.h>

#include <string>

#include "pg/cache_table.h"

namespace redline::lab {

Status slowStore(Bench& bench, double seconds) {
  const auto store = bench.store();
  if (!store) return fail(store.error());
  // In WHERE, not in FROM: a view of one table alone can be updated.
  const std::string sql = fmt::format(
      "BEGIN; ALTER TABLE {0} RENAME TO {1}; CREATE VIEW {0} AS SELECT id, value, version FROM {1} "
      "WHERE pg_sleep({2:.4f}) IS NOT NULL; COMMIT",
      kCacheTable, kSlowRows, seconds);
  bench.command(fmt::format(
      "psql -h SOCKET_DIRECTORY -U redline redline -c \"{}\"  # its socket: redline stack status",
      sql));
  return (*store)->run(sql);
}

}  // namespace redline::lab
