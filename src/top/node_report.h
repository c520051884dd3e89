#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "server/info.h"
#include "top/key_board.h"
#include "top/observation_cost.h"
#include "transport/endpoint.h"

namespace redline {

/// What was read of one server since the report before.
struct NodeReport {
  Endpoint node;
  Nanos at = 0;         ///< when INFO came, on SteadyClock
  std::string problem;  ///< why nothing was read; empty: it answered
  bool silent = false;  ///< because no answer came in time
  ServerInfo info;
  std::vector<Event> events;  ///< of the slow log and the latency monitor; `at` on the wall clock
  bool logsRead = false;      ///< the user may read both
  KeySample keys;             ///< of a master
  std::vector<std::pair<std::uint16_t, std::uint64_t>> slots;  ///< slot, keys in it
  SentCommands sent;                                           ///< since INFO was read before
  std::vector<std::string> notes;  ///< what it withholds from this user, or does not record
};

}  // namespace redline
