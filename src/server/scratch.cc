#include "server/scratch.h"

#include <fmt/format.h>
#include <unistd.h>

#include "server/compose.h"
#include "server/owner_name.h"
#include "server/postgres_server.h"
#include "server/process.h"
#include "server/stack_state.h"
#include "server/stack_strays.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

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
  const fs::path directory = parent / ownerName(*self);
  if (auto made = makeStateDirectory(directory); !made) return fail(std::move(made.error()));
  return directory;
}

std::vector<std::string> clearScratch(const fs::path& parent) {
  std::vector<std::string> lines;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(parent, none)) {
    const auto owner = ownerOfName(entry.path().filename().native());
    // A name that only begins like one of ours is somebody's copy.
    if (!owner || entry.path().filename() != ownerName(*owner) || ownerLives(*owner)) continue;
    const std::size_t killed =
        killServersIn(entry.path()).size() + killPostgresIn(entry.path()).size();
    removeContainersBelow(entry.path());
    fs::remove_all(entry.path(), none);
    lines.push_back(fmt::format("removed what process {} left in {}{}", owner->pid,
                                entry.path().native(),
                                killed == 0 ? "" : fmt::format(" ({} servers killed)", killed)));
  }
  return lines;
}

}  // namespace redline
