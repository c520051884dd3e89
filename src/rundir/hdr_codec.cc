// The V2 encoding of one histogram (hlog.h), laid out as HdrHistogram's AbstractHistogram reads and
// writes it. All integers are big-endian.
#define ZLIB_CONST  // zlib then promises not to write its input
#include <zlib.h>

#include <array>
#include <bit>
#include <cstdint>

#include "rundir/base64.h"
#include "rundir/hlog.h"

namespace redline {
namespace {

constexpr std::uint32_t kPlainCookie = 0x1c849303 | 0x10;
constexpr std::uint32_t kCompressedCookie = 0x1c849304 | 0x10;
constexpr std::size_t kHeaderBytes = 40;
constexpr std::size_t kWrapperBytes = 8;
constexpr std::uint32_t kSignificantDigits = 3;
constexpr int kMostVarintBytes = 9;
/// No histogram of ours takes more, however hostile the input: what may be inflated to.
constexpr std::size_t kMostBytes = kHeaderBytes + Histogram::kSlots * kMostVarintBytes;

template <typename Unsigned>
void putBig(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((value >> shift) & 0xffU));
}

template <typename Unsigned>
Unsigned getBig(std::string_view bytes, std::size_t at) {
  Unsigned value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = (value << 8) | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// ZigZag, then seven bits a byte, low ones first; a ninth byte holds eight.
void putVarint(std::string& out, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int i = 1; i < kMostVarintBytes && rest > 0x7f; ++i, rest >>= 7)
    out.push_back(static_cast<char>((rest & 0x7f) | 0x80));
  out.push_back(static_cast<char>(rest));
}

/// Moves `at` behind the number. False when the bytes end inside it.
bool getVarint(std::string_view bytes, std::size_t& at, std::int64_t& value) {
  std::uint64_t raw = 0;
  for (int i = 0; i < kMostVarintBytes; ++i) {
    if (at == bytes.size()) return false;
    const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at++]));
    const bool last = i == kMostVarintBytes - 1;
    raw |= (last ? byte : byte & 0x7f) << (7 * i);
    if (last || byte < 0x80) break;
  }
  value = static_cast<std::int64_t>(raw >> 1) ^ -static_cast<std::int64_t>(raw & 1);
  return true;
}

std::string encodeCounts(const Histogram& histogram) {
  std::string payload;
  // An empty histogram still has its first slot, as in HdrHistogram.
  const std::size_t end = Histogram::slotOf(histogram.max()) + 1;
  for (std::size_t slot = 0; slot < end;) {
    const std::uint64_t count = histogram.countAt(slot++);
    if (count != 0) {
      putVarint(payload, static_cast<std::int64_t>(count));
      continue;
    }
    std::int64_t zeros = 1;
    for (; slot < end && histogram.countAt(slot) == 0; ++slot) ++zeros;
    putVarint(payload, zeros == 1 ? 0 : -zeros);
  }
  return payload;
}

tl::unexpected<Error> malformed(std::string_view why) {
  return fail(ErrorCode::invalidInput, "not a histogram of ours: {}", why);
}

Status checkHeader(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return malformed("shorter than its header");
  const auto cookie = getBig<std::uint32_t>(bytes, 0);
  if (cookie != kPlainCookie)
    return fail(
        ErrorCode::invalidInput,
        "not a histogram of ours: cookie 0x{:08x}, and only the V2 encoding, 0x{:08x}, is read",
        cookie, kPlainCookie);
  if (getBig<std::uint32_t>(bytes, 4) != bytes.size() - kHeaderBytes)
    return malformed("its length is not the one that it states");
  if (getBig<std::uint32_t>(bytes, 8) != 0) return malformed("its slots are shifted");
  const auto digits = getBig<std::uint32_t>(bytes, 12);
  const auto lowest = getBig<std::uint64_t>(bytes, 16);
  if (digits != kSignificantDigits || lowest != 1)
    return fail(ErrorCode::invalidInput,
                "a histogram of {} significant digits and lowest value {}, where 3 and 1 are read",
                digits, lowest);
  if (std::bit_cast<double>(getBig<std::uint64_t>(bytes, 32)) != 1.0)
    return malformed("it holds scaled floating-point values");
  return {};
}

/// Slot by slot, remembering where the last one was so that it can be entered by its highest value.
Status decodeCounts(std::string_view payload, Histogram& histogram) {
  std::size_t slot = 0;
  std::size_t at = 0;
  std::uint64_t total = 0;
  while (at < payload.size()) {
    std::int64_t entry = 0;
    if (!getVarint(payload, at, entry)) return malformed("it ends inside a count");
    const std::uint64_t skipped =
        entry < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(entry) : 1;
    if (skipped > Histogram::kSlots - slot) return malformed("a value lies above 73 minutes");
    if (entry > 0) {
      const auto count = static_cast<std::uint64_t>(entry);
      if (__builtin_add_overflow(total, count, &total)) return malformed("its counts overflow");
      histogram.record(Histogram::lowestOf(slot), count - 1);
      histogram.record(Histogram::highestOf(slot));
    }
    slot += skipped;
  }
  return {};
}

std::string deflated(std::string_view bytes) {
  // Counts hardly repeat: looking for strings costs three times what Huffman's code alone does, and
  // gains nothing. A window of 4 KiB and small tables: what is packed here is a few KiB, and zlib's
  // defaults would map and clear 256 KiB for every histogram, beside the server under test.
  constexpr int kWindowBits = 12;
  constexpr int kMemoryLevel = 5;
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_HUFFMAN_ONLY);
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  // Cannot fail: the buffer is of the size that zlib asked for.
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// Holds until the next call on this thread, whose buffer it is: mapping and clearing one for every
/// histogram costs more than inflating it.
Result<std::string_view> inflated(std::string_view bytes) {
  thread_local std::string out(kMostBytes, '\0');
  uLongf size = out.size();
  const int status =
      uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                 reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uLong>(bytes.size()));
  if (status == Z_BUF_ERROR) return malformed("its compressed part is cut off, or is too large");
  if (status != Z_OK) return malformed("its compressed part is damaged");
  return std::string_view(out).substr(0, size);
}

Status decodeInto(std::string_view bytes, Histogram& histogram) {
  histogram.reset();
  if (auto sound = checkHeader(bytes); !sound) return sound;
  return decodeCounts(bytes.substr(kHeaderBytes), histogram);
}

}  // namespace

std::string encodeHistogram(const Histogram& histogram) {
  const std::string payload = encodeCounts(histogram);
  std::string bytes;
  bytes.reserve(kHeaderBytes + payload.size());
  putBig(bytes, kPlainCookie);
  putBig(bytes, static_cast<std::uint32_t>(payload.size()));
  putBig(bytes, std::uint32_t{0});  // no shift of the slots
  putBig(bytes, kSignificantDigits);
  putBig(bytes, std::uint64_t{1});  // lowest discernible value
  putBig(bytes, static_cast<std::uint64_t>(Histogram::kHighest));
  putBig(bytes, std::bit_cast<std::uint64_t>(1.0));  // integer to double ratio
  return bytes + payload;
}

Result<Histogram> decodeHistogram(std::string_view bytes) {
  Histogram histogram;
  if (auto decoded = decodeInto(bytes, histogram); !decoded) return fail(decoded.error());
  return histogram;
}

std::string encodeCompressed(const Histogram& histogram) {
  const std::string packed = deflated(encodeHistogram(histogram));
  std::string bytes;
  putBig(bytes, kCompressedCookie);
  putBig(bytes, static_cast<std::uint32_t>(packed.size()));
  return toBase64(bytes + packed);
}

Result<Histogram> decodeCompressed(std::string_view base64) {
  Histogram histogram;
  if (auto decoded = decodeCompressed(base64, histogram); !decoded) return fail(decoded.error());
  return histogram;
}

Status decodeCompressed(std::string_view base64, Histogram& histogram) {
  const auto bytes = fromBase64(base64);
  if (!bytes) return malformed("it is not base64");
  if (bytes->size() < kWrapperBytes) return malformed("shorter than its header");
  const auto cookie = getBig<std::uint32_t>(*bytes, 0);
  if (cookie != kCompressedCookie)
    return fail(ErrorCode::invalidInput,
                "not a histogram of ours: cookie 0x{:08x}, and only the compressed V2 encoding, "
                "0x{:08x}, is read",
                cookie, kCompressedCookie);
  const std::string_view packed = std::string_view(*bytes).substr(kWrapperBytes);
  if (getBig<std::uint32_t>(*bytes, 4) != packed.size())
    return malformed("its length is not the one that it states");
  const auto plain = inflated(packed);
  if (!plain) return fail(plain.error());
  return decodeInto(*plain, histogram);
}

}  // namespace redline
