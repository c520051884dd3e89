#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace redline {

/// How much of a value read is verified.
enum class VerifyLevel : std::uint8_t {
  none,    ///< not at all
  header,  ///< id, length and checksum; all of a value too short for a header
  full,    ///< and every byte of the filler
};

/// Self-verifying values: each is a pure function of (seed, id, version, size).
///
///     offset  0  id        u64   all little-endian
///             8  version   u64
///            16  length    u32   of the whole value, this header included
///            20  checksum  u32   over the seed and the three fields above
///            24  filler    the rest
///
/// The filler is cut from 64 KiB of seeded random (incompressible) bytes at an offset that follows
/// from (seed, id, version), and wraps round the pool. The checksum says "written by this program,
/// with this -seed, for this key, version and length"; the filler is compared byte by byte. Values
/// of 1 … 23 bytes have no room for a header: they are the filler of (id, version 0) and nothing
/// else, whatever version was asked for.
///
/// Copies share one pool, which is never written after construction: give each worker a copy.
class Values {
 public:
  static constexpr std::size_t kHeader = 24;
  static constexpr std::size_t kPool = std::size_t{1} << 16;

  enum class Verdict : std::uint8_t {
    ok,
    wrongKey,       ///< a sound header of another id
    wrongLength,    ///< a sound header of a longer or shorter value; or an empty value
    wrongChecksum,  ///< no sound header: another -seed, another program, or a damaged header
    wrongBytes,     ///< a sound header before damaged filler; or a damaged headerless value
  };

  /// `size`: of the values to write, 1 … 2^32 − 1 bytes (Redis itself stops at 512 MB).
  Values(std::uint64_t seed, std::size_t size);

  std::size_t size() const noexcept { return size_; }
  /// The same data set at another size, over the same pool.
  Values withSize(std::size_t size) const;

  /// Writes size() bytes.
  void write(char* out, std::uint64_t id, std::uint64_t version) const noexcept;

  /// Judges a value read back for `id`, of whatever length it has: a data set may have been written
  /// at another size than this one writes. Where the verdict is `ok`, `*version` is the value's
  /// version (0 where it has no header, or at level `none`); `version` may be null.
  Verdict check(std::string_view value, std::uint64_t id, std::uint64_t* version,
                VerifyLevel level) const noexcept;

  /// Judges a value of `length` bytes by its first min(length, kHeader) ones, as check() does at
  /// level `header`: for values of unknown size.
  Verdict checkHead(std::string_view head, std::uint64_t length, std::uint64_t id) const noexcept;

 private:
  /// The pool twice over, so that any filler of up to kPool bytes is contiguous.
  struct Pool {
    char bytes[2 * kPool];
  };
  static std::shared_ptr<const Pool> makePool(std::uint64_t seed);

  /// 64 bits that stand for (seed, id, version): the low ones choose the filler, the high ones are
  /// the checksum.
  std::uint64_t mark(std::uint64_t id, std::uint64_t version) const noexcept;
  const char* fillerOf(std::uint64_t mark) const noexcept;
  Verdict checkBare(std::string_view value, std::uint64_t id) const noexcept;
  /// The header of a value of `length` bytes, and what it says.
  struct Header {
    Verdict verdict;
    std::uint64_t version, mark;
  };
  Header checkHeader(const char* head, std::uint64_t length, std::uint64_t id) const noexcept;

  std::shared_ptr<const Pool> pool_;
  std::uint64_t key_;  ///< the seed, mixed for this purpose alone
  std::size_t size_;
};

}  // namespace redline
