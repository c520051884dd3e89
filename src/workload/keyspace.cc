#include "workload/keyspace.h"

#include "base/text.h"

namespace redline {

std::optional<std::uint64_t> parseKey(std::string_view key) noexcept {
  if (!key.starts_with(kKeyPrefix)) return std::nullopt;
  const std::string_view digits = key.substr(kKeyPrefix.size());
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return toNumber<std::uint64_t>(digits);
}

std::string bigHashKey(std::uint64_t id) {
  return "big:hash:" + std::to_string(id);
}
std::string bigListKey(std::uint64_t id) {
  return "big:list:" + std::to_string(id);
}

}  // namespace redline
