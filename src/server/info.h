#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "record/product.h"

namespace redline {

/// What a server's INFO says. Fields keep their own names and their own text.
struct ServerInfo {
  struct Keyspace {
    std::uint64_t keys = 0, expires = 0, avgTtlMs = 0;
  };
  struct CommandStat {
    std::uint64_t calls = 0, rejected = 0, failed = 0;
    double usec = 0;
  };

  std::map<std::string, std::string, std::less<>> fields;
  std::map<unsigned, Keyspace> keyspace;                         ///< by database number
  std::map<std::string, CommandStat, std::less<>> commandStats;  ///< by command, as "get"
  /// The server's words, where it does not let this user have INFO: then redis_version, role and
  /// cluster_enabled are all that is known. Empty: it does.
  std::string withheld;

  /// A field's text, empty when it is missing.
  std::string_view text(std::string_view field) const;
  /// A field as a number; `otherwise` when it is missing or not a number.
  double number(std::string_view field, double otherwise = 0) const;
  std::uint64_t count(std::string_view field) const;
  /// Keys of all databases.
  std::uint64_t keys() const;
  std::string_view version() const { return text("redis_version"); }
  /// With the server's own name, where it is not Redis (record/product.h).
  std::string recordedVersion() const {
    return redline::recordedVersion(version(), text("valkey_version"));
  }
  /// "master" or "replica".
  std::string role() const;
};

/// Reads the text of INFO; lines that it does not know are kept as fields or passed over.
ServerInfo parseServerInfo(std::string_view text);

/// Ok when a version is one that redline is made for (7.x) or `anyVersion` is set. `who` begins the
/// error's text: "redis-server 6.2.1 at 127.0.0.1:7600: redline is made for 7.x; …".
Status checkVersion(std::string_view version, std::string_view where, bool anyVersion);

}  // namespace redline
