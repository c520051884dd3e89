// RESP3: any split of the bytes gives the same replies, to ReplyScanner and ValueParser alike. The
// first byte chooses the split.
#include "fuzz/resp_check.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = redline::textOf(data + 1, size - 1);
  if (const auto differs = redline::differsWhenSplit(bytes, data[0])) redline::disagree(*differs);
  return 0;
}
