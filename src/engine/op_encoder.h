#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "engine/pending_op.h"
#include "engine/shared.h"
#include "resp/request.h"

namespace redline {

/// An operation → the bytes of its requests. Pure.
class OpEncoder {
 public:
  explicit OpEncoder(const Shared& shared);

  /// TTLs are sent as Unix times: wall clock − clock, at the start of the run.
  void setWallOffset(Nanos offset) { wallOffset_ = offset; }

  /// Room for the operation, with what may go before it.
  std::size_t roomFor(const PendingOp& op) const {
    return op.copy == PendingOp::kAllCopies ? roomForCopies_ : roomForOne_;
  }
  /// Writes GET, SET, MSET (all copies of a split key) or PTTL and GET at `at`; returns the end.
  char* encode(char* at, const PendingOp& op, Nanos now) const;

  /// Whether PTTL goes before the GET. A key that expires is deleted some time later, and only then
  /// does the server send an invalidation: a local cache must know itself how long it may serve the
  /// value. And refreshes before or after the expiry need to know how far away it is.
  bool asksForTtl(const PendingOp& op) const {
    return asksForTtls_ && op.isRead() && !op.asking && shared_.ttls.ttlMillisOf(op.id) != 0;
  }
  bool asksForTtls() const { return asksForTtls_; }

 private:
  /// A number as digits.
  class Decimal {
   public:
    explicit Decimal(std::uint64_t value)
        : length_(static_cast<std::size_t>(detail::putDecimal(digits_, value) - digits_)) {}
    std::string_view view() const { return {digits_, length_}; }

   private:
    char digits_[20];
    std::size_t length_;
  };

  Decimal tokenOf(const PendingOp& op) const;
  Decimal lockMillis() const;
  std::string_view copyOf(const PendingOp& op, unsigned copy) const;
  char* encodeRequest(char* at, std::string_view key, const PendingOp& op, Nanos now) const;
  char* encodeFencedRefill(char* at, std::string_view key, const PendingOp& op, Nanos now) const;
  std::uint64_t expiryOf(std::int64_t ttlMillis, Nanos now) const {
    return static_cast<std::uint64_t>((wallOffset_ + now) / kMillisecond + ttlMillis) + keptMillis_;
  }
  char* encodeSet(char* at, std::string_view key, const PendingOp& op, Nanos now) const;
  char* encodeMset(char* at, const PendingOp& op) const;

  const Shared& shared_;
  std::size_t valueSize_;
  std::size_t roomForOne_, roomForCopies_;
  bool asksForTtls_;
  std::uint64_t keptMillis_;   // beyond the time to live: -stale-while-refresh
  std::uint64_t tokenPrefix_;  // of this process: 32 bits
  Nanos wallOffset_ = 0;
};

}  // namespace redline
