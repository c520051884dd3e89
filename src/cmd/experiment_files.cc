#include "cmd/experiment_files.h"

#include <fmt/format.h>

#include <system_error>

namespace redline {
namespace fs = std::filesystem;

std::vector<fs::path> experimentPlaces(const fs::path& given, const fs::path& executable) {
  if (!given.empty()) return {given};
  std::vector<fs::path> places{"experiments"};
  if (executable.empty()) return places;
  const fs::path directory = executable.parent_path();
  places.push_back((directory / "../share/redline/experiments").lexically_normal());
  places.push_back((directory / "../../experiments").lexically_normal());
  return places;
}

Result<fs::path> findExperimentFile(std::string_view name, const std::vector<fs::path>& places) {
  std::vector<std::string> looked;
  for (const fs::path& place : places) {
    fs::path file = place / (std::string(name) + ".toml");
    std::error_code none;
    if (fs::exists(file, none)) return file;
    looked.push_back(place.string());
  }
  return fail(ErrorCode::invalidInput,
              "there is no {}.toml in {}: -experiments names the directory that has it", name,
              fmt::join(looked, ", "));
}

fs::path ownExecutable() {
  std::error_code none;
  return fs::read_symlink("/proc/self/exe", none);
}

}  // namespace redline
