#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lab/bucketed_hash.h"
#include "lab/study.h"

namespace redline::lab::big_key_remediation {

// What the parts of the experiment `big-key-remediation` share. big_key_remediation.cc: what is
// varied, and what it means; big_key_remediation_runs.cc: what the runs do.

// Figures of a run, written down by its action.
inline constexpr const char* kMemory = "memory_bytes";
inline constexpr const char* kListpacks = "listpack_share";
inline constexpr const char* kLargest = "largest_bucket_fields";
inline constexpr const char* kGetUs = "hget_us";  ///< by commandstats
inline constexpr const char* kGetCpuUs = "hget_main_thread_us";
inline constexpr const char* kReadUs = "hgetall_us";  ///< of one key, by commandstats
inline constexpr const char* kBeginUnix = "begin_unix_s";
inline constexpr const char* kEndUnix = "end_unix_s";
inline constexpr const char* kStallUs = "longest_stall_us";
inline constexpr const char* kCalls = "calls";
inline constexpr const char* kCallUs = "mean_call_us";  ///< by commandstats
inline constexpr const char* kFreedS = "memory_back_s";
inline constexpr const char* kMoved = "moved_fields";
inline constexpr const char* kAtEnd = "fields_at_end";  ///< in the buckets and the old hash
inline constexpr const char* kReads = "application_reads";
inline constexpr const char* kWrites = "application_writes";
inline constexpr const char* kFromOld = "reads_of_old_hash";
inline constexpr const char* kSecondLook = "reads_at_second_look";
inline constexpr const char* kMissing = "reads_of_nothing";
inline constexpr const char* kWrong = "reads_of_wrong_value";
inline constexpr const char* kLost = "writes_lost";

/// A number of buckets, with the limit up to which Redis keeps them as listpacks.
struct Layout {
  std::string label;
  std::uint64_t buckets = 0;  ///< 0: the whole hash
  std::uint64_t entries = 0;  ///< hash-max-listpack-entries; 0: Redis's own
};

/// How a big hash is deleted.
struct Deletion {
  std::string label, title, command;
  bool isLazy = false;  ///< lazyfree-lazy-user-del
  bool inBuckets = false;
};

/// All layouts, before the first run.
Status makeLayouts(const Parameters& p, const Factor<Layout>& layouts, Bench& bench);
/// Memory, and the cost of an HGET and of an HGETALL of one key, without a load.
Status measureAccess(const Parameters& p, const Layout& layout, Bench& bench);

// Beside a load, once a baseline has been measured.

/// HGETALL: of the whole hash once; of buckets one after the other, as long as the parameter says.
Status readBeside(const Parameters& p, const Layout& layout, Bench& bench,
                  const std::function<bool()>& isOver);
/// The hash that deleteBeside() deletes.
Status makeDoomed(const Parameters& p, const Deletion& way, Bench& bench);
Status deleteBeside(const Parameters& p, const Deletion& way, Bench& bench,
                    const std::function<bool()>& isOver);
/// The hash that migrateBeside() migrates while a client reads and writes it.
Status makeOld(const Parameters& p, Bench& bench);
/// `batch`: fields a step; 0: all at once.
Status migrateBeside(const Parameters& p, std::uint64_t batch, Bench& bench,
                     const std::function<bool()>& isOver);

}  // namespace redline::lab::big_key_remediation
