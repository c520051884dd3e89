#include "fuzz/rdb_check.h"

#include <fmt/format.h>

#include "rdb/rdb_writer.h"

namespace redline {
namespace {

// ---- Making

std::string someText(Rng& rng) {
  constexpr std::uint64_t kLimits[] = {4, 44, 64, 300, 5'000, 20'000};
  std::string text;
  if (rng.below(8) == 0)
    return fmt::format("{}", static_cast<std::int64_t>(rng.next()) >> rng.below(64));
  const std::uint64_t length = rng.below(kLimits[rng.below(rng.below(4) == 0 ? 6 : 4)]);
  for (std::uint64_t i = 0; i < length; ++i) text.push_back(static_cast<char>(rng.next()));
  return text;
}

std::vector<std::string_view> viewsOf(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

void writeEntry(RdbWriter& writer, const RdbEntry& entry) {
  switch (entry.kind) {
    case RdbEntry::Kind::string:
      writer.string(entry.key, entry.parts[0], entry.expireAt);
      break;
    case RdbEntry::Kind::hash:
      writer.beginHash(entry.key, entry.parts.size() / 2, entry.expireAt);
      for (std::size_t i = 0; i < entry.parts.size(); i += 2)
        writer.field(entry.parts[i], entry.parts[i + 1]);
      break;
    case RdbEntry::Kind::list:
      writer.list(entry.key, viewsOf(entry.parts), entry.expireAt);
      break;
  }
}

// ---- Reading

/// A cursor that never leaves its bytes: what is missing is a problem and reads as zero.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) {
      problem_ = "it is cut off";
      at_ = bytes_.size();
      return {};
    }
    at_ += count;
    return bytes_.substr(at_ - count, count);
  }
  std::uint64_t little(std::size_t count) {
    std::uint64_t value = 0;
    const std::string_view bytes = take(count);
    for (std::size_t i = bytes.size(); i-- != 0;) value = value << 8 | byteOf(bytes[i]);
    return value;
  }
  std::uint64_t big(std::size_t count) {
    std::uint64_t value = 0;
    for (const char c : take(count)) value = value << 8 | byteOf(c);
    return value;
  }
  std::uint64_t length() {
    const std::uint64_t first = little(1);
    if (first < 0x40) return first;
    if (first < 0x80) return (first & 0x3f) << 8 | little(1);
    if (first == 0x80) return big(4);
    if (first == 0x81) return big(8);
    problem_ = "a length of an unknown kind";
    return 0;
  }
  std::string text() { return std::string(take(length())); }

  std::size_t at() const { return at_; }
  bool sound() const { return problem_.empty(); }
  const std::string& problem() const { return problem_; }
  void fail(std::string why) { problem_ = std::move(why); }

 private:
  static std::uint64_t byteOf(char c) { return static_cast<unsigned char>(c); }

  std::string_view bytes_;
  std::size_t at_ = 0;
  std::string problem_;
};

std::uint64_t crcBitByBit(std::string_view bytes) {
  std::uint64_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) * 0x95ac9329ac4bc9b5);
  }
  return crc;
}

/// An element of a listpack, checked against the length that stands behind it.
std::string listpackElement(Cursor& in) {
  const std::size_t begin = in.at();
  const std::uint64_t first = in.little(1);
  std::uint64_t length = 0;
  if (first >> 6 == 2)
    length = first & 0x3f;
  else if (first >> 4 == 0xe)
    length = (first & 0xf) << 8 | in.little(1);
  else if (first == 0xf0)
    length = in.little(4);
  else
    in.fail("an element that is not a string");
  std::string text(in.take(length));
  const std::size_t entry = in.at() - begin;
  std::uint64_t back = 0;
  for (std::uint64_t byte = in.little(1);; byte = in.little(1)) {
    back = back << 7 | (byte & 0x7f);
    // The first of its bytes is the last that is read from behind: all others have the high bit.
    if (back >= entry || !in.sound()) break;
  }
  if (back != entry) in.fail("an element with another length behind it");
  return text;
}

void readListpack(Cursor& in, std::vector<std::string>& elements) {
  const std::string node = in.text();
  Cursor pack(node);
  if (pack.little(4) != node.size()) in.fail("a listpack of another size");
  const std::uint64_t count = pack.little(2);
  for (std::uint64_t i = 0; i < count && pack.sound(); ++i)
    elements.push_back(listpackElement(pack));
  if (pack.little(1) != 0xff || pack.at() != node.size()) in.fail("a listpack without its end");
  if (!pack.sound()) in.fail(pack.problem());
}

RdbEntry readEntry(Cursor& in, std::uint64_t type, std::int64_t expireAt) {
  RdbEntry entry;
  entry.expireAt = expireAt;
  entry.key = in.text();
  if (type == 0) {
    entry.parts.push_back(in.text());
  } else if (type == 4) {
    entry.kind = RdbEntry::Kind::hash;
    const std::uint64_t fields = in.length();
    for (std::uint64_t i = 0; i < 2 * fields && in.sound(); ++i) entry.parts.push_back(in.text());
  } else if (type == 18) {
    entry.kind = RdbEntry::Kind::list;
    const std::uint64_t nodes = in.length();
    for (std::uint64_t i = 0; i < nodes && in.sound(); ++i) {
      if (in.length() != 2) in.fail("a node that is not packed");
      readListpack(in, entry.parts);
    }
  } else {
    in.fail(fmt::format("type {}", type));
  }
  return entry;
}

}  // namespace

std::vector<RdbEntry> someEntries(Rng& rng, std::size_t most, std::int64_t now) {
  std::vector<RdbEntry> entries(rng.below(most + 1));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    RdbEntry& entry = entries[i];
    entry.key = fmt::format("key:{}", i);
    if (rng.below(3) == 0)
      entry.expireAt = now + 3'600'000 + static_cast<std::int64_t>(rng.below(1ULL << 40));
    entry.kind = static_cast<RdbEntry::Kind>(rng.below(3));
    const std::uint64_t parts =
        entry.kind == RdbEntry::Kind::string ? 1 : 1 + rng.below(rng.below(10) == 0 ? 400 : 8);
    for (std::uint64_t part = 0; part < parts; ++part) {
      if (entry.kind == RdbEntry::Kind::hash) entry.parts.push_back(fmt::format("field:{}", part));
      entry.parts.push_back(someText(rng));
    }
  }
  return entries;
}

std::string rdbOf(const std::vector<RdbEntry>& entries, std::size_t drainEvery) {
  RdbWriter writer;
  std::string file;
  const auto drain = [&] {
    file += writer.pending();
    writer.drain();
  };
  std::uint64_t expiring = 0;
  for (const RdbEntry& entry : entries) expiring += entry.expireAt == -1 ? 0 : 1;
  writer.begin(entries.size(), expiring);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    writeEntry(writer, entries[i]);
    if (drainEvery != 0 && (i + 1) % drainEvery == 0) drain();
  }
  writer.end();
  drain();
  return file;
}

RdbReading readRdb(std::string_view file) {
  RdbReading reading;
  Cursor in(file);
  if (in.take(5) != "REDIS") in.fail("it does not begin with REDIS");
  for (const char digit : in.take(4))
    reading.version = 10 * reading.version + static_cast<unsigned>(digit - '0');
  if (in.little(1) != 0xfe || in.length() != 0) in.fail("it does not begin with database 0");
  if (in.little(1) != 0xfb) in.fail("it does not announce its keys");
  reading.keys = in.length();
  reading.expiring = in.length();
  while (in.sound()) {
    std::uint64_t type = in.little(1);
    if (type == 0xff) break;
    std::int64_t expireAt = -1;
    if (type == 0xfc) {
      expireAt = static_cast<std::int64_t>(in.little(8));
      type = in.little(1);
    }
    reading.entries.push_back(readEntry(in, type, expireAt));
  }
  const std::size_t end = in.at();
  if (in.sound() && in.little(8) != crcBitByBit(file.substr(0, end))) in.fail("a wrong checksum");
  if (in.sound() && in.at() != file.size()) in.fail("bytes behind its end");
  reading.problem = in.problem();
  return reading;
}

}  // namespace redline
