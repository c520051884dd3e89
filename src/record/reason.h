#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace redline {

/// Why a run is invalid, for code and files; the text beside it is for people.
enum class ReasonCode {
  generatorBound,    ///< its workers had no CPU time left, and the server had
  coreTaken,         ///< other threads ran on the generator's core
  behindSchedule,    ///< operations were sent later than they could have been
  backlogFull,       ///< a full lane kept operations for other nodes from being sent
  serverLost,        ///< no server answered at the end
  nothingCompleted,  ///< no operation has a service time
  operationsLost,    ///< too many operations without any latency
  unanswered,        ///< operations on the wire for seconds, and no reply to them at the end
  unserved,          ///< operations that a cluster refused until the end
  nothingMeasured,   ///< no operation fell due in the measured window
  strangeReplies,    ///< too many replies that do not answer the request
  stolenTime,        ///< the hypervisor took the machine's time
  corruptValues,     ///< values read back were not what was written
  keysEvicted,       ///< a load's: the data set is incomplete
  ended,             ///< a load's: it ended with an error
  other,             ///< of a file that has no codes
};

struct Reason {
  ReasonCode code = ReasonCode::other;
  std::string text;  ///< a sentence with its figures

  bool operator==(const Reason&) const = default;
};
using Reasons = std::vector<Reason>;

/// "core-taken": the code in files.
std::string_view nameOf(ReasonCode code);
/// `other` for a name that is not known.
ReasonCode reasonCodeFrom(std::string_view name);

/// "core taken": the code in a table or on a terminal, a few words.
std::string_view labelOf(ReasonCode code);

/// Whether the cause was temporary and not the run's: other threads on the core, or steal. The same
/// run, repeated, may well be valid.
bool isPassing(ReasonCode code);
/// There are reasons, and all of them are temporary.
bool allPassing(const Reasons& reasons);

std::vector<std::string> textsOf(const Reasons& reasons);
/// By their names.
std::vector<std::string> codesOf(const Reasons& reasons);
/// The reverse; codes that are missing at the end are `other`.
Reasons reasonsFrom(std::vector<std::string> texts, const std::vector<std::string>& codes);

}  // namespace redline
