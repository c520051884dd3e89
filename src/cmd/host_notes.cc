#include "cmd/host_notes.h"

#include <algorithm>

#include "base/text.h"
#include "os/files.h"
#include "server/stack_state.h"

namespace redline {

std::vector<Warning> newWarnings(const std::vector<Warning>& warnings,
                                 const std::filesystem::path& memory, const std::string& bootId) {
  const std::string remembered = readWholeFile(memory).value_or("");
  std::vector<std::string_view> told = splitLines(remembered);
  if (told.empty() || told.front() != bootId) told.clear();
  std::vector<Warning> untold;
  std::string settings = bootId + "\n";
  for (const Warning& warning : warnings) {
    if (warning.lasting) settings += std::string(warning.id) + "\n";
    if (!warning.lasting || std::ranges::find(told, warning.id) == told.end())
      untold.push_back(warning);
  }
  // Where the file cannot be written, a repeated warning is the smaller harm.
  if (settings != remembered) (void)writeWholeFile(memory, settings);
  return untold;
}

std::vector<Warning> newWarnings(const std::vector<Warning>& warnings) {
  const auto home = stateHome();
  if (!home || !makeStateDirectory(*home)) return warnings;
  return newWarnings(
      warnings, *home / "told-of-this-machine",
      std::string(trim(readWholeFile("/proc/sys/kernel/random/boot_id").value_or(""))));
}

}  // namespace redline
