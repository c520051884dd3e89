// RESP2: ReplyScanner and ValueParser against hiredis.
#include "fuzz/resp_check.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto differs = redline::differsFromHiredis(redline::textOf(data, size)))
    redline::disagree(*differs);
  return 0;
}
