#include "lab/cold_cache.h"

namespace redline::lab {

Status emptyCache(Bench& bench) {
  const auto admin = bench.admin();
  if (!admin) return fail(admin.error());
  if (const auto done = (*admin)->command({"FLUSHALL", "SYNC"}); !done) return fail(done.error());
  bench.command("redis-cli -u redis://$ADDR flushall sync");
  return {};
}

}  // namespace redline::lab
