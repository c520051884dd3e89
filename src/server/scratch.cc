#include "server/scratch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "server/compose.h"
#include "server/process.h"
#include "server/stack_state.h"
#include "server/stack_strays.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "of-";

/// "of-4711-889123": short, because a Unix socket's path must fit into 108 bytes.
std::string nameFor(const ProcessId& owner) {
  return fmt::format("{}{}-{}", kPrefix, owner.pid, owner.startTicks);
}

std::optional<ProcessId> ownerOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  ProcessId owner;
  const char* const end = name.data() + name.size();
  const auto pid = std::from_chars(name.data(), end, owner.pid);
  if (pid.ec != std::errc{} || pid.ptr == end) return std::nullopt;
  const auto ticks = std::from_chars(pid.ptr + 1, end, owner.startTicks);
  if (ticks.ec != std::errc{} || ticks.ptr != end) return std::nullopt;
  return owner;
}

/// Of this boot or of one before, whose processes are gone: the same pid started at the same tick
/// is the same process.
bool lives(const ProcessId& owner) {
  const auto now = identify(owner.pid);
  return now && now->startTicks == owner.startTicks && isAlive(*now);
}

/// A stack in containers has the file of its Compose project in its directory.
void removeContainersBelow(const fs::path& parent) {
  std::error_code none;
  for (const fs::directory_entry& stack : fs::directory_iterator(parent, none))
    if (fs::exists(stack.path() / kComposeFile, none)) (void)ComposeProject(stack.path()).remove();
}

}  // namespace

Result<fs::path> labScratch() {
  auto home = stateHome();
  if (!home) return fail(std::move(home.error()));
  return *home / "lab";
}

Result<fs::path> makeScratch(const fs::path& parent) {
  const auto self = identify(::getpid());
  if (!self) return fail(ErrorCode::io, "cannot read /proc/self/stat: is /proc mounted?");
  const fs::path directory = parent / nameFor(*self);
  if (auto made = makeStateDirectory(directory); !made) return fail(std::move(made.error()));
  return directory;
}

std::vector<std::string> clearScratch(const fs::path& parent) {
  std::vector<std::string> lines;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, none)) {
    const auto owner = ownerOf(entry.path().filename().native());
    if (!owner || lives(*owner)) continue;
    const std::size_t killed = killServersIn(entry.path()).size();
    removeContainersBelow(entry.path());
    fs::remove_all(entry.path(), none);
    lines.push_back(fmt::format("removed what process {} left in {}{}", owner->pid,
                                entry.path().native(),
                                killed == 0 ? "" : fmt::format(" ({} servers killed)", killed)));
  }
  return lines;
}

}  // namespace redline
