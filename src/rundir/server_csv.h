#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "record/server_sample.h"

namespace redline {

/// at_s, addr and role, then fields of INFO under their own names. `a.b` stands for part b of the
/// compound field a (cmdstat_get.calls, db0.keys).
std::string serverCsvHeader();

/// One sample. A cell is empty when this server's INFO has no such field. `zero`: the run's clock
/// zero.
std::string serverCsvLine(const ServerSample& sample, Nanos zero);

/// Reads them back: `info` holds the cells that are not empty, by column name; `at` counts from the
/// run's zero.
Result<std::vector<ServerSample>> parseServerCsv(std::string_view text, std::string_view name,
                                                 std::vector<std::string>& warnings);

}  // namespace redline
