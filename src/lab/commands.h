#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment.h"

namespace redline {

/// What the places in flags stand for. All texts.
struct FlagPlaces {
  std::string addr;  ///< "127.0.0.1:7600", several with commas
  std::string unixAddr;
  LabCpus cpus;
  std::vector<std::string> nodes =
      {};  ///< {node-0}, {node-1} …: addresses, a cluster's masters first
};

/// Whether a flag of this name is among them, in any of its spellings.
bool hasFlag(const Flags& flags, std::string_view name);

/// Puts the places in. A flag whose value is a CPU that was not given out falls away.
Flags filled(const Flags& flags, const FlagPlaces& places);

/// Adds -server-cpus, unless CPUs are given already.
Flags stackFlags(const Flags& up);
/// Adds -addr and -cpus, those that are not there.
Flags clientFlags(const Flags& flags);

// What a person types to do the same; the stack is called "lab", and $ADDR is its address.
std::string stackCommand(const Flags& filledUp);
std::string loaderCommand(const Flags& filledLoad);
std::string driverCommand(const Flags& filledDrive);
/// The places that these lines are filled with.
FlagPlaces placesForPeople(const LabCpus& cpus);

}  // namespace redline
