#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "record/event.h"
#include "resp/value.h"

namespace redline {

/// Which entries of a server's SLOWLOG are new. Pure: fed with replies, gives events.
class SlowlogReader {
 public:
  /// Reads the reply of `SLOWLOG GET n`, newest first; returns the events of entries not seen
  /// before, oldest first. The first reply after construction only says where the log stands.
  /// `seenAt`: when the reply came, on the run's clock.
  std::vector<Event> read(const Value& reply, Nanos seenAt);
  /// True when the last reply may not have reached back to the entries seen before: ask for more.
  bool hasGap(const Value& reply) const;
  /// The server restarted: all further entries of its log are new.
  void restart() { last_ = -1; }

 private:
  std::int64_t last_ = kUnknown;  ///< id of the newest entry seen
  static constexpr std::int64_t kUnknown = -2;
};

/// The name of the client whose command an entry of SlowlogReader is; empty: it has none.
std::string_view clientNameOf(const Event& slowCommand);
/// True where that client is one of redline's observers (server/observer_names.h).
bool isOfObserver(const Event& slowCommand);

/// Which entries of a server's latency monitor are new.
class LatencyReader {
 public:
  /// Notes where the monitor stands: entries up to the reply's are old.
  void start(const Value& latest);
  /// Names of events in the reply of `LATENCY LATEST` that have news: ask for their HISTORY.
  std::vector<std::string> changed(const Value& latest) const;
  /// Reads the reply of `LATENCY HISTORY event` and returns the events of its new seconds. A second
  /// that is not over (`wallSecond` is now) may still get worse: it is left for the next reading,
  /// unless `all`. `toRun`: run clock minus wall clock.
  std::vector<Event> read(const std::string& event, const Value& history, std::int64_t wallSecond,
                          Nanos toRun, bool all);

 private:
  std::map<std::string, std::int64_t> last_;  ///< second of the newest entry reported
};

}  // namespace redline
