#include "cmd/host_notes.h"

#include <algorithm>

#include "server/stack_state.h"
#include "server/text_file.h"

namespace redline {

std::vector<Warning> untoldWarnings(const std::vector<Warning>& warnings,
                                    const std::filesystem::path& memory,
                                    const std::string& bootId) {
  std::vector<std::string> told = linesOf(readTextFile(memory).value_or(""));
  if (told.empty() || told.front() != bootId) told.clear();
  std::vector<Warning> untold;
  std::string settings = bootId + "\n";
  for (const Warning& warning : warnings) {
    if (!warning.setting.empty()) settings += std::string(warning.setting) + "\n";
    if (warning.setting.empty() || std::ranges::find(told, warning.setting) == told.end())
      untold.push_back(warning);
  }
  // Where nothing can be remembered, saying it twice is the smaller harm.
  if (linesOf(settings) != told) (void)writeTextFile(memory, settings);
  return untold;
}

std::vector<Warning> untoldWarnings(const std::vector<Warning>& warnings) {
  const auto home = stateHome();
  if (!home || !makeStateDirectory(*home)) return warnings;
  return untoldWarnings(warnings, *home / "told-of-this-machine",
                        trimmed(readTextFile("/proc/sys/kernel/random/boot_id").value_or("")));
}

}  // namespace redline
