// Data sets made from the input's bytes: their RDB file reads back to them by an independent
// reader, whatever pieces it was drained in. tests/integration/rdb_writer_test.cc loads such files
// into a real server.
#include "rdb/rdb_writer.h"

#include "fuzz/rdb_check.h"
#include "fuzz/target.h"

namespace {

using namespace redline;

/// The input's bytes, one after the other; zeros behind its end.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  bool left() const { return !bytes_.empty(); }
  std::uint8_t next() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  /// Of a length near those at which an encoding changes.
  std::string text() {
    constexpr std::size_t kNear[] = {0, 60, 120, 4'090, 8'180, 16'380};
    const std::uint8_t choice = next();
    return std::string(kNear[choice % 6U] + choice / 32U, static_cast<char>(next()));
  }

 private:
  std::string_view bytes_;
};

RdbEntry entryFrom(Bytes& bytes, std::size_t number) {
  RdbEntry entry;
  const std::uint8_t choice = bytes.next();
  entry.kind = static_cast<RdbEntry::Kind>(choice % 3);
  entry.key = std::to_string(number) + bytes.text();
  if ((choice & 0x40) != 0) entry.expireAt = (std::int64_t{bytes.next()} << 40) + choice;
  const std::size_t count = entry.kind == RdbEntry::Kind::string ? 1U : 1U + choice / 8U;
  for (std::size_t i = 0; i < count; ++i) {
    if (entry.kind == RdbEntry::Kind::hash) entry.parts.push_back(std::to_string(i));
    entry.parts.push_back(bytes.text());
  }
  return entry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(textOf(data, size));
  const std::size_t drainEvery = bytes.next() % 4U;
  std::vector<RdbEntry> entries;
  while (bytes.left()) entries.push_back(entryFrom(bytes, entries.size()));
  const std::string file = rdbOf(entries, drainEvery);
  const RdbReading reading = readRdb(file);
  if (!reading.problem.empty()) disagree(reading.problem);
  require(reading.entries == entries, "entries that read back to others");
  require(reading.keys == entries.size(), "another number of keys announced");
  require(file == rdbOf(entries), "drained in pieces it is another file");
  return 0;
}
