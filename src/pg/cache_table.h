#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "pg/pg_admin.h"
#include "workload/values.h"

namespace redline {

// The table behind the cache:
//
//     cache_entries (id bigint PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL)
//
// Row i holds what the loader writes to Redis under obj:i, at version 0; a write of the driver
// changes the version, in the column and in the value's own header. data_set, of one row, says what
// the table was filled with.

inline constexpr std::string_view kCacheTable = "cache_entries";

/// What a table is filled with: the flags -seed, -keys and -value-size of the loader.
struct CacheTable {
  std::uint64_t seed = 1;
  std::uint64_t keys = 0;
  std::uint64_t valueSize = 0;
  bool operator==(const CacheTable&) const = default;
};

/// What the table there was filled with; none: it was not, or not to its end.
Result<std::optional<CacheTable>> readCacheTable(PgAdmin& admin);
/// Rows of the table, counted; 0 where there is none.
Result<std::uint64_t> countCacheRows(PgAdmin& admin);
/// Of a table of any size at once: the planner's figure, exact after a fill; 0 where there is none.
Result<std::uint64_t> estimateCacheRows(PgAdmin& admin);

/// Gives these rows version 0 and its value again, as a fill has them: those that a write has
/// changed. No row is inserted.
Status resetCacheRows(PgAdmin& admin, const Values& values, std::span<const std::uint64_t> ids);

struct FillWatcher {
  std::function<void(Nanos now, std::uint64_t rows, bool over)> onRows;
  std::function<void(std::string_view phase)> onPhase;  ///< what follows the rows, as it begins
  std::function<bool()> interrupted;
};

/// How long each part took.
struct FillFigures {
  Nanos copy = 0, index = 0, commit = 0;
  Nanos total() const { return copy + index + commit; }
};

/// Makes the table anew and fills it, by one COPY and with its index built behind it, all in one
/// transaction: readers see the old table or the new one, and a failed fill leaves the old one.
Result<FillFigures> fillCacheTable(PgAdmin& admin, const CacheTable& table,
                                   const FillWatcher& watcher = {});

}  // namespace redline
