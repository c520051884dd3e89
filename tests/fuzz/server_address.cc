// Addresses and URLs: what is read writes back to itself; no error repeats the user or the
// password, and neither does a command line that is written down.
#include "fuzz/target.h"
#include "transport/endpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto text = textOf(data, size);
  if (const auto address = parseServerAddress(text)) {
    const std::string written = address->endpoint.text();
    const auto again = parseEndpoint(written);
    require(again && again->text() == written, "an address that does not write back to itself");
  }
  // The same bytes as a password. They are marked, so that they cannot be anywhere by chance.
  constexpr std::string_view kMark = "Zq7";
  const std::string secret = std::string(kMark) + std::string(text) + std::string(kMark);
  for (const std::string& url : {"redis://u:" + secret + "@127.0.0.1:1", "redis://u:" + secret,
                                 "rediss://" + secret + "@h", "u:" + secret + "@h:1"}) {
    const auto address = parseServerAddress(url);
    if (!address)
      require(address.error().message.find(kMark) == std::string::npos, "an error with a password");
  }
  require(withoutPassword("-addr=redis://u:" + secret + "@h:1").find(kMark) == std::string::npos,
          "a command line with a password");
  return 0;
}
