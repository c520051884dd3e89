#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "record/histogram.h"
#include "server/admin.h"
#include "transport/endpoint.h"

namespace redline {

struct StormOptions {
  Endpoint server;
  Credentials credentials;
  unsigned clients = 10'000;
  Nanos patience = 30 * kSecond;  ///< from the storm's begin; later answers do not count
};

struct StormOutcome {
  Histogram connected;  ///< from a client's connect() to its connection
  Histogram answered;   ///< from a client's connect() to the answer to its first PING
  std::map<std::string, std::uint64_t> errors;  ///< clients that got none, by what they got instead
  Nanos span = 0;                               ///< from the first connect() to the last answer
};

/// Connects all clients as fast as one thread can ask for it, each of which logs in, sends one PING
/// and then stays until the last is through: what a server sees when all of its clients lose it at
/// the same moment. Then hangs up. `interrupted` ends it early.
///
/// Needs a file descriptor for each client; where the limit allows it is raised for as long as this
/// lasts. io: it does not allow it; the message says how to raise it.
Result<StormOutcome> connectionStorm(const StormOptions& options,
                                     const std::function<bool()>& interrupted);

}  // namespace redline
