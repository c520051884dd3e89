#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/rng.h"
#include "server/admin.h"

namespace redline::lab {

/// A hash with fields 0 … fields−1 under one key, or in buckets: then a field's id says in which.
struct BucketedHash {
  std::string name;  ///< its key; of buckets, what their keys begin with
  std::uint64_t fields = 0;
  std::uint64_t fieldSize = 0;  ///< bytes of a value
  std::uint64_t buckets = 0;    ///< 0: one key

  std::uint64_t keys() const { return std::max<std::uint64_t>(buckets, 1); }
  /// "big:hash:1024:17"; the whole hash is its name.
  std::string key(std::uint64_t bucket) const;
  std::uint64_t bucketOf(std::uint64_t id) const { return buckets == 0 ? 0 : mix64(id) % buckets; }
  std::string keyOf(std::uint64_t id) const { return key(bucketOf(id)); }

  static std::string field(std::uint64_t id);
  /// Tells the id and how often the field was written; of fieldSize bytes, or as many as that
  /// takes.
  std::string value(std::uint64_t id, std::uint64_t version = 0) const;
};

/// Makes it, in commands of at most a thousand fields; what is there already is kept.
Status makeHash(Admin& admin, const BucketedHash& hash, const std::function<bool()>& interrupted);
/// UNLINK of all its keys.
Status unlinkHash(Admin& admin, const BucketedHash& hash);

/// How fields get from one key into buckets.
struct Migration {
  BucketedHash from, to;
  std::uint64_t batch = 0;  ///< fields a step; 0: all in one, by HGETALL and DEL
};

/// What a migration did.
struct MigrationOutcome {
  std::uint64_t fields = 0;  ///< found in the old hash, as often as HSCAN returned them
  std::uint64_t steps = 0;
  bool isComplete = false;  ///< it was not interrupted
};

/// Moves all fields, or those until it is interrupted, while others read and write them
/// (HashClient). A step is HSCAN, then HSETNX into the buckets, which leaves alone what a writer
/// has put there meanwhile, and only then HDEL from the old hash: at no moment is a field in
/// neither. After each step it rests as long as that took.
Result<MigrationOutcome> migrateHash(Admin& admin, const Migration& migration,
                                     const std::function<bool()>& interrupted);

/// What one client of a hash that is being migrated counted.
struct HashClientCounts {
  std::uint64_t reads = 0, writes = 0;
  std::uint64_t fromOld = 0;     ///< reads that the old hash answered
  std::uint64_t secondLook = 0;  ///< found in the bucket only when it was asked again
  std::uint64_t missing = 0;     ///< found nowhere
  std::uint64_t wrong = 0;       ///< not the version that was written last
};

/// The protocol of an application during a migration. It reads the bucket, then the old hash, then
/// the bucket again, since the field may have moved between the first two. It writes the bucket,
/// and then deletes the field of the old hash.
class HashClient {
 public:
  HashClient(Admin admin, const Migration& migration, std::uint64_t seed)
      : admin_(std::move(admin)), migration_(migration), rng_(seed) {}

  /// One operation on a field that chance decides; every tenth writes.
  Status operate();
  /// Reads every field that it has written, and counts those that are not as it wrote them.
  Result<std::uint64_t> lostWrites();
  const HashClientCounts& counts() const { return counts_; }

 private:
  Status read(std::uint64_t id);
  Status write(std::uint64_t id);
  Result<bool> look(const std::string& key, std::uint64_t id);

  Admin admin_;
  Migration migration_;
  Rng rng_;
  std::map<std::uint64_t, std::uint64_t> versions_;  ///< of fields that were written
  HashClientCounts counts_;
};

}  // namespace redline::lab
