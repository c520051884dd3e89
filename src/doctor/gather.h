#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "doctor/facts.h"
#include "server/own_servers.h"
#include "transport/credentials.h"

namespace redline {

struct DoctorPlan {
  std::vector<Endpoint> servers;  ///< one, or nodes of a cluster; none: this machine alone
  bool cluster = false;           ///< what they are
  Credentials credentials;
  Nanos watch = kSecond;       ///< between two readings of the machine and of the servers
  std::size_t keys = 10'000;   ///< looked at on each master; a server with fewer is seen whole
  bool scan = false;           ///< all keys, however many
  std::filesystem::path disk;  ///< a directory whose disk is to be timed; may be empty
  std::vector<OwnServer> own;  ///< servers whose directories are ours
  std::function<bool()> interrupted;
  std::function<void(const std::string&)> progress;  ///< a line for people
};

/// Reads all that the checks judge, with commands that change nothing. A server that withholds
/// something is still examined; one that does not answer is a fact. unreachable, refused: none of
/// a cluster's nodes, or the server, answers.
Result<DoctorFacts> gatherFacts(const DoctorPlan& plan);

}  // namespace redline
