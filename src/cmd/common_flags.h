#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "engine/plan.h"

namespace redline {

// Flags that several sub-commands share, so that each is described once.

/// One table of several.
std::vector<FlagSpec> joinFlags(std::initializer_list<std::vector<FlagSpec>> parts);

/// Which server, and how to connect to it: -addr -topology -user -allow -any-version, and
/// tlsFlags().
std::vector<FlagSpec> targetFlags();
/// What is stored; loader and driver must be given the same: -keys -value-size -ttl-* -seed.
std::vector<FlagSpec> dataSetFlags();
/// Of these alone, also for who stores nothing: -ttl-min, -ttl-max.
FlagSpec ttlMinFlag(std::string_view group);
FlagSpec ttlMaxFlag(std::string_view group);
/// How the generator uses this machine: -threads -cpus -io -wait. `waits`: what -wait may be, with
/// its help.
std::vector<FlagSpec> generatorFlags(std::string_view waitHelp,
                                     std::vector<std::string_view> waits);
IoChoice ioChoice(const FlagValues& flags);
WaitMode waitMode(const FlagValues& flags);
/// What differs between the commands that have outputFlags().
struct OutputTexts {
  std::string_view interval, force;    ///< help texts
  std::string_view directory, noJson;  ///< what -out and -json mean when they are empty
};

/// Where results go: -json -out -force -interval; and -check-flags.
std::vector<FlagSpec> outputFlags(const OutputTexts& texts);
/// Refuses, before any load, a file that could not be written at the end: its directory is missing.
Status checkFileFlag(const FlagValues& flags, std::string_view name);
/// -config.
std::vector<FlagSpec> configFlag();

}  // namespace redline
