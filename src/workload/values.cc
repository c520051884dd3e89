#include "workload/values.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/rng.h"

namespace redline {
namespace {

static_assert(std::endian::native == std::endian::little, "the header is written by memcpy");

constexpr std::uint64_t kStream = 0x76616c756573ULL;  // "values": apart from other uses of the seed

// The header moves as three words, each in a register: a struct built field by field and then
// copied would have its copy wait for its stores, which costs more than everything else.
void store(char* out, std::uint64_t word) noexcept {
  std::memcpy(out, &word, sizeof word);
}
std::uint64_t load(const char* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// The high half of the mark, turned by the length: no two lengths of one mark agree.
std::uint32_t checksumOf(std::uint64_t mark, std::uint32_t length) noexcept {
  return static_cast<std::uint32_t>(mark >> 32) ^ (length * 0x9e3779b1U);
}

void copyFiller(char* out, const char* filler, std::size_t length) noexcept {
  // One turn round the pool ends where it began, so every turn is the same copy.
  for (; length > Values::kPool; out += Values::kPool, length -= Values::kPool)
    std::memcpy(out, filler, Values::kPool);
  std::memcpy(out, filler, length);
}

bool sameFiller(const char* bytes, const char* filler, std::size_t length) noexcept {
  for (; length > Values::kPool; bytes += Values::kPool, length -= Values::kPool)
    if (std::memcmp(bytes, filler, Values::kPool) != 0) return false;
  return std::memcmp(bytes, filler, length) == 0;
}

}  // namespace

Values::Values(std::uint64_t seed, std::size_t size)
    : pool_(makePool(seed)), key_(mix64(seed ^ kStream)), size_(size) {}

Values Values::withSize(std::size_t size) const {
  Values other = *this;
  other.size_ = size;
  return other;
}

std::shared_ptr<const Values::Pool> Values::makePool(std::uint64_t seed) {
  auto pool = std::make_shared<Pool>();
  Rng rng(seed, kStream);
  for (std::size_t i = 0; i < kPool; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = rng.next();
    std::memcpy(pool->bytes + i, &word, sizeof word);
  }
  std::memcpy(pool->bytes + kPool, pool->bytes, kPool);
  return pool;
}

std::uint64_t Values::mark(std::uint64_t id, std::uint64_t version) const noexcept {
  // The two odd multiplications run side by side; one round of mixing is the whole latency.
  return mix64(key_ + id * 0xd1342543de82ef95ULL + version * 0xaf251af3b0f025b5ULL);
}

const char* Values::fillerOf(std::uint64_t mark) const noexcept {
  return pool_->bytes + mark % kPool;
}

void Values::write(char* out, std::uint64_t id, std::uint64_t version) const noexcept {
  if (size_ < kHeader) return copyFiller(out, fillerOf(mark(id, 0)), size_);
  const std::uint64_t m = mark(id, version);
  const auto length = static_cast<std::uint32_t>(size_);
  store(out, id);
  store(out + 8, version);
  store(out + 16, length | std::uint64_t{checksumOf(m, length)} << 32);
  copyFiller(out + kHeader, fillerOf(m), size_ - kHeader);
}

inline Values::Header Values::checkHeader(const char* head, std::uint64_t length,
                                          std::uint64_t id) const noexcept {
  const std::uint64_t writtenId = load(head);
  const std::uint64_t version = load(head + 8);
  const std::uint64_t last = load(head + 16);
  const auto written = static_cast<std::uint32_t>(last);
  const std::uint64_t m = mark(writtenId, version);
  if (last >> 32 != checksumOf(m, written)) return {Verdict::wrongChecksum, version, m};
  if (writtenId != id) return {Verdict::wrongKey, version, m};
  return {written == length ? Verdict::ok : Verdict::wrongLength, version, m};
}

Values::Verdict Values::check(std::string_view value, std::uint64_t id, std::uint64_t* version,
                              VerifyLevel level) const noexcept {
  if (version != nullptr) *version = 0;
  if (level == VerifyLevel::none) return Verdict::ok;
  if (value.size() < kHeader) return checkBare(value, id);
  const Header header = checkHeader(value.data(), value.size(), id);
  if (header.verdict != Verdict::ok) return header.verdict;
  if (level == VerifyLevel::full &&
      !sameFiller(value.data() + kHeader, fillerOf(header.mark), value.size() - kHeader))
    return Verdict::wrongBytes;
  if (version != nullptr) *version = header.version;
  return Verdict::ok;
}

Values::Verdict Values::checkHead(std::string_view head, std::uint64_t length,
                                  std::uint64_t id) const noexcept {
  if (head.size() < kHeader) return checkBare(head, id);
  return checkHeader(head.data(), length, id).verdict;
}

Values::Verdict Values::checkBare(std::string_view value, std::uint64_t id) const noexcept {
  if (value.empty()) return Verdict::wrongLength;
  return sameFiller(value.data(), fillerOf(mark(id, 0)), value.size()) ? Verdict::ok
                                                                       : Verdict::wrongBytes;
}

}  // namespace redline
