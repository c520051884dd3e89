#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chaos/chaos_plan.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "server/own_servers.h"

namespace redline {

/// The parameters of all faults as flags of `redline chaos`; one that several faults have is one
/// flag. They have no defaults of their own: each fault knows its own.
const std::vector<FlagSpec>& faultParameterFlags();

/// A paragraph for help: every fault and what it does.
std::string_view faultListing();

/// usage when a fault for clusters is aimed at something else.
Status checkTopology(const FaultSpec& fault, const FlagValues& flags);

/// The driver's -chaos.
std::vector<FlagSpec> chaosPlanFlag();
/// What -chaos says; an empty plan without it. usage: it cannot be read, or a fault comes after the
/// window or does not fit the topology.
Result<ChaosPlan> chaosPlan(const FlagValues& flags);

/// The servers of this user's stacks; none when there is no directory for them.
std::vector<OwnServer> knownOwnServers();

/// One event of a fault for people: "   5.0s bgsave end on 127.0.0.1:7600 after 1.2 s: fork 812
/// µs". `sinceStart`: when the event was; the line has the time at which it was over, so that lines
/// are in order when each is printed as its event comes.
std::string faultLine(const Event& event, Nanos sinceStart);

/// A figure for people: "0.31", "812", "1234567".
std::string figureText(double value);

}  // namespace redline
