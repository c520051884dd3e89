// Configuration files: any bytes are read or refused with one line that names the place.
#include "cmd/config_file.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto file = parseConfigFile("lab.toml", textOf(data, size));
  if (!file) {
    require(file.error().code == ErrorCode::usage, "an error that is not one of use");
    require(file.error().message.starts_with("lab.toml:"), "an error without its place");
    return 0;
  }
  for (const ConfigEntry& entry : file->entries)
    require(entry.where.starts_with("lab.toml:"), "an entry without its place");
  return 0;
}
