#include "server/info.h"

#include "base/text.h"

namespace redline {
namespace {

std::uint64_t countIn(std::string_view list, std::string_view name) {
  return toNumber<std::uint64_t>(subfield(list, name)).value_or(0);
}

/// "db0" → 0; false for any other name.
bool isDatabase(std::string_view name, unsigned& number) {
  if (!name.starts_with("db") || name.size() < 3 || name.size() > 6) return false;
  for (const char c : name.substr(2))
    if (c < '0' || c > '9') return false;
  number = toNumber<unsigned>(name.substr(2)).value_or(0);
  return true;
}

void addField(ServerInfo& info, std::string_view name, std::string_view value) {
  constexpr std::string_view kCommand = "cmdstat_";
  unsigned database = 0;
  if (isDatabase(name, database) && value.starts_with("keys=")) {
    info.keyspace[database] = {countIn(value, "keys"), countIn(value, "expires"),
                               countIn(value, "avg_ttl")};
  } else if (name.starts_with(kCommand)) {
    info.commandStats[std::string(name.substr(kCommand.size()))] = {
        countIn(value, "calls"), countIn(value, "rejected_calls"), countIn(value, "failed_calls"),
        toNumber<double>(subfield(value, "usec")).value_or(0)};
  }
  info.fields.insert_or_assign(std::string(name), std::string(value));
}

}  // namespace

ServerInfo parseServerInfo(std::string_view text) {
  ServerInfo info;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string_view::npos || colon == 0) continue;
    addField(info, line.substr(0, colon), line.substr(colon + 1));
  }
  return info;
}

std::string_view ServerInfo::text(std::string_view field) const {
  const auto found = fields.find(field);
  return found == fields.end() ? std::string_view{} : std::string_view(found->second);
}

double ServerInfo::number(std::string_view field, double otherwise) const {
  return toNumber<double>(text(field)).value_or(otherwise);
}

std::uint64_t ServerInfo::count(std::string_view field) const {
  return toNumber<std::uint64_t>(text(field)).value_or(0);
}

std::uint64_t ServerInfo::keys() const {
  std::uint64_t sum = 0;
  for (const auto& [database, space] : keyspace) sum += space.keys;
  return sum;
}

std::string ServerInfo::role() const {
  return text("role") == "slave" ? "replica" : std::string(text("role"));
}

Status checkVersion(std::string_view version, std::string_view where, bool anyVersion) {
  if (anyVersion || version.starts_with("7.")) return {};
  return fail(ErrorCode::refused,
              "redis-server {} at {}: redline is made for 7.x; -any-version overrides",
              version.empty() ? "of unknown version" : version, where);
}

}  // namespace redline
