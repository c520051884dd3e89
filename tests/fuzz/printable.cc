// Text from peers and files: what becomes of it is UTF-8 without control characters, within its
// bound, and a second pass changes nothing. The TOML check ends, and what it lets through can be
// parsed without a deep stack.
#include <toml++/toml.h>

#include "base/text.h"
#include "base/toml_nesting.h"
#include "fuzz/target.h"

namespace {

void requireClean(std::string_view text, bool lines) {
  while (!text.empty()) {
    const std::size_t length = redline::characterLength(text);
    redline::require(length != 0, "not UTF-8");
    const auto first = static_cast<unsigned char>(text.front());
    redline::require(first >= 0x20 || (lines && first == '\n'), "a control character");
    text.remove_prefix(length);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto text = textOf(data, size);
  for (const std::size_t most : {40U, 100U, 1'000U}) {
    const std::string clean = printable(text, most);
    require(clean.size() <= most, "longer than its bound");
    require(printable(clean, most) == clean, "another second pass");
    requireClean(clean, false);
  }
  const std::string lines = printableLines(text);
  require(printableLines(lines) == lines, "another second pass over lines");
  requireClean(lines, true);
  if (lineNestedTooDeep(text)) return 0;
  try {
    (void)toml::parse(text);
  } catch (const toml::parse_error&) {
    return 0;
  }
  return 0;
}
