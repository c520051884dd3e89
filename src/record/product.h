#pragma once

#include <fmt/format.h>

#include <cctype>
#include <string>
#include <string_view>

namespace redline {

/// A server's version as it is recorded: "7.0.15" of Redis, and "Valkey 8.0.1" of Valkey, whose
/// INFO has the version of the Redis that it is compatible with besides its own.
inline std::string recordedVersion(std::string_view redisVersion, std::string_view valkeyVersion) {
  return valkeyVersion.empty() ? std::string(redisVersion)
                               : fmt::format("Valkey {}", valkeyVersion);
}

/// A recorded version for people: "Redis 7.0.15", "Valkey 8.0.1"; empty of none.
inline std::string productText(std::string_view recorded) {
  const bool number =
      !recorded.empty() && std::isdigit(static_cast<unsigned char>(recorded[0])) != 0;
  return fmt::format("{}{}", number ? "Redis " : "", recorded);
}

}  // namespace redline
