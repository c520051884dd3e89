// Two replies of the slow log, or of the latency monitor: the first byte chooses which. What was
// read once is not news again.
#include "fuzz/target.h"
#include "resp/value.h"
#include "server/server_log.h"

namespace {

using namespace redline;

/// The reply, and then the same one again: its entries are old by then.
void checkLogs(std::string_view text, bool slowlog) {
  ValueParser parser;
  parser.feed(text);
  Value first, second;
  if (!parser.next(first).value_or(false)) return;
  const bool two = parser.next(second).value_or(false);
  if (slowlog) {
    SlowlogReader reader;
    require(reader.read(first, kSecond).empty(), "entries from before the first reading");
    require(reader.read(first, kSecond).empty(), "entries that were seen before");
    if (!two) return;
    (void)reader.hasGap(second);
    (void)reader.read(second, kSecond);
    require(reader.read(second, kSecond).empty(), "entries that were read twice");
    return;
  }
  LatencyReader reader;
  reader.start(first);
  require(reader.changed(first).empty(), "news in a reply that was seen before");
  if (!two) return;
  for (const std::string& event : reader.changed(second)) {
    (void)reader.read(event, second, 100, 0, true);
    require(reader.read(event, second, 100, 0, true).empty(), "seconds that were reported twice");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size != 0) checkLogs(textOf(data + 1, size - 1), data[0] % 2 == 0);
  return 0;
}
