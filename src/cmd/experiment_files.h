#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redline {

/// Where the TOML of an experiment is searched, in this order: only `given` if it is not empty; or
/// experiments/ in the working directory, then share/redline/experiments beside the directory of
/// the executable (an installed redline), then experiments/ in the source tree that it was built in
/// (build/PRESET/redline).
std::vector<std::filesystem::path> experimentPlaces(const std::filesystem::path& given,
                                                    const std::filesystem::path& executable);

/// The first of `places` that has NAME.toml. invalidInput: none; the places are named.
Result<std::filesystem::path> findExperimentFile(std::string_view name,
                                                 const std::vector<std::filesystem::path>& places);

/// The file of the running program; empty where /proc is not there.
std::filesystem::path ownExecutable();

}  // namespace redline
