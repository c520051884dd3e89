#pragma once

#include <initializer_list>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"

namespace redline {

// Flags that several sub-commands share, so that each is described once.

/// One table of several.
std::vector<FlagSpec> joinFlags(std::initializer_list<std::vector<FlagSpec>> parts);

/// Which server: -addr -topology -user -any-version.
std::vector<FlagSpec> targetFlags();
/// What is stored; loader and driver must be given the same: -keys -value-size -ttl-* -seed.
std::vector<FlagSpec> dataSetFlags();
/// How the generator uses this machine: -threads -cpus -io -wait.
std::vector<FlagSpec> generatorFlags();
/// Where results go: -json -out -force -interval. `forceMeans` is the help text of -force: what it
/// overrides differs.
std::vector<FlagSpec> outputFlags(std::string_view defaultDirectory, std::string_view forceMeans);
/// Refuses, before any load, a file that could not be written at the end: its directory is missing.
Status checkFileFlag(const FlagValues& flags, std::string_view name);
/// -config.
std::vector<FlagSpec> configFlag();

}  // namespace redline
