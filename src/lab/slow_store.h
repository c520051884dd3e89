#pragma once

#include <string_view>

#include "base/result.h"
#include "lab/experiment.h"

namespace redline::lab {

/// The table of rows, once slowStore() has put a view in its place.
inline constexpr std::string_view kSlowRows = "cache_rows";

/// Makes each read and each write of a row in the stack's PostgreSQL take `seconds` longer: a view
/// takes the table's name and sleeps (pg_sleep) over every row. It can be read and updated as the
/// table could. The sleep holds its connection and takes no CPU. Fails where the stack has no
/// PostgreSQL.
Status slowStore(Bench& bench, double seconds);

}  // namespace redline::lab
