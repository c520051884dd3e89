#include "server/owner_name.h"

#include <fmt/format.h>

#include <charconv>

namespace redline {
namespace {

constexpr std::string_view kOwnerPrefix = "of-";

}  // namespace

std::uint32_t nameHash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

std::string ownerName(const ProcessId& owner) {
  return fmt::format("{}{}-{}", kOwnerPrefix, owner.pid, owner.startTicks);
}

std::optional<ProcessId> ownerOfName(std::string_view name) {
  if (!name.starts_with(kOwnerPrefix)) return std::nullopt;
  name.remove_prefix(kOwnerPrefix.size());
  ProcessId owner;
  const char* const end = name.data() + name.size();
  const auto pid = std::from_chars(name.data(), end, owner.pid);
  if (pid.ec != std::errc{} || pid.ptr == end) return std::nullopt;
  const auto ticks = std::from_chars(pid.ptr + 1, end, owner.startTicks);
  if (ticks.ec != std::errc{}) return std::nullopt;
  return owner;
}

bool ownerLives(const ProcessId& owner) {
  const auto now = identify(owner.pid);
  return now && now->startTicks == owner.startTicks && isAlive(*now);
}

}  // namespace redline
