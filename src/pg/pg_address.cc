#include "pg/pg_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace redline {
namespace {

/// A value of a connection string, quoted.
std::string quoted(const std::string& value) {
  std::string text = "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += '\\';
    text += c;
  }
  return text + "'";
}

}  // namespace

std::filesystem::path PgAddress::socketPath() const {
  return directory / fmt::format(".s.PGSQL.{}", port);
}

Result<PgAddress> parsePgAddress(std::string_view text) {
  constexpr std::string_view kScheme = "unix:";
  constexpr std::string_view kSocket = ".s.PGSQL.";
  const std::filesystem::path path(text.starts_with(kScheme) ? text.substr(kScheme.size()) : text);
  PgAddress address;
  address.directory = path;
  const std::string name = path.filename();
  if (name.starts_with(kSocket)) {
    const auto port = toNumber<std::uint16_t>(std::string_view(name).substr(kSocket.size()));
    address.port = port.value_or(0);
    address.directory = path.parent_path();
  }
  if (path.is_absolute() && address.port != 0) return address;
  return fail(ErrorCode::usage,
              "'{}' is not the address of a PostgreSQL: name its Unix socket, e.g. "
              "unix:/var/run/postgresql/.s.PGSQL.5432",
              text);
}

std::string PgAddress::text() const {
  return "unix:" + socketPath().string();
}

// An empty value, unlike a missing one, keeps libpq from asking the environment; but for the file
// of passwords, which is then ~/.pgpass: one that cannot be there is not looked for.
std::string connectionText(const PgAddress& address, Nanos connectTimeout,
                           const std::string& settings) {
  const auto seconds = std::max<Nanos>(2, (connectTimeout + kSecond - 1) / kSecond);
  return fmt::format(
      "host={} hostaddr='' port={} dbname={} user={} password={} passfile=/dev/null/none "
      "options={} "
      "connect_timeout={} sslmode=disable gssencmode=disable client_encoding=UTF8 "
      "application_name=redline target_session_attrs=any",
      quoted(address.directory.string()), address.port, quoted(address.database),
      quoted(address.user), quoted(address.password), quoted(settings), seconds);
}

}  // namespace redline
