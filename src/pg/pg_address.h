#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

/// Where a PostgreSQL listens, and as whom to log in. Over a Unix socket alone.
struct PgAddress {
  std::filesystem::path directory;  ///< of the socket
  std::uint16_t port = 5432;        ///< a part of the socket's name, and no TCP port
  std::string database = "redline", user = "redline";
  std::string password;  ///< empty: none is sent. Never written anywhere

  std::filesystem::path socketPath() const;
  std::string text() const;  ///< "unix:/…/.s.PGSQL.5432"
  bool operator==(const PgAddress&) const = default;
};

/// "unix:/run/pg/.s.PGSQL.5432", or the socket's directory alone. usage: neither.
Result<PgAddress> parsePgAddress(std::string_view text);

/// What libpq needs to connect there, whatever PG… variables the environment has. `settings`:
/// parameters of the session, as in "-c lock_timeout=100". The longest wait for a connection is
/// rounded up to whole seconds, and is 2 s at least: libpq knows no other.
std::string connectionText(const PgAddress& address, Nanos connectTimeout,
                           const std::string& settings = {});

}  // namespace redline
