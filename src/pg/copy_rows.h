#pragma once

#include <cstdint>
#include <string>

#include "workload/values.h"

namespace redline {

// Rows of cache_entries in the binary format of COPY (PostgreSQL 15's manual, "COPY", file
// formats), all numbers big-endian:
//
//     "PGCOPY\n\377\r\n\0"  flags i32 = 0  extension i32 = 0
//     columns i16 = 3   8 i32  id i64   length i32  value   8 i32  version i64      for each row
//     -1 i16

/// Appends what stands before the first row.
void appendCopyHeader(std::string& out);
/// Appends the row of an id, with the value that the loader writes to Redis at that version.
void appendCopyRow(std::string& out, const Values& values, std::uint64_t id, std::uint64_t version);
/// Appends what stands behind the last row.
void appendCopyTrailer(std::string& out);

}  // namespace redline
