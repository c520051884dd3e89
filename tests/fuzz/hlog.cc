// Histogram logs: the first byte chooses the plain encoding, the compressed one or a whole log.
// What is read is written and read again, to the same counts.
#include "rundir/hlog.h"

#include "fuzz/target.h"

namespace {

using namespace redline;

void sameCounts(const Histogram& a, const Histogram& b) {
  require(a.count() == b.count(), "another count after a round trip");
  a.forEach([&](std::size_t slot, std::uint64_t count) {
    require(b.countAt(slot) == count, "another slot after a round trip");
  });
}

void checkHistogram(const Result<Histogram>& histogram) {
  if (!histogram) {
    require(histogram.error().code == ErrorCode::invalidInput, "an error that is not of input");
    return;
  }
  const auto plain = decodeHistogram(encodeHistogram(*histogram));
  require(plain.has_value(), "our own encoding is refused");
  sameCounts(*histogram, *plain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = textOf(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      checkHistogram(decodeHistogram(bytes));
      break;
    case 1:
      checkHistogram(decodeCompressed(bytes));
      break;
    default: {
      std::vector<std::string> warnings;
      const auto log = parseHlog(bytes, "latency.hlog", warnings);
      if (!log) {
        require(log.error().message.starts_with("latency.hlog:"), "an error without its place");
        break;
      }
      for (const auto& line : log->lines)
        require(line.histogram().has_value(), "a line of a sound log is not");
    }
  }
  return 0;
}
