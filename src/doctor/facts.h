#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cluster/slot_map.h"
#include "record/event.h"
#include "server/cluster_view.h"
#include "server/host.h"
#include "server/info.h"
#include "server/key_look.h"
#include "transport/endpoint.h"

namespace redline {

// What the doctor's checks judge. A Result that failed: the server, or the machine, withholds it,
// in its own words.

struct MachineFacts {
  HostFacts host;
  std::string clockSource;  ///< "tsc", "kvm-clock", "hpet"; empty: cannot be read
  Nanos clockRead = 0;      ///< how long one reading of the clock takes
};

/// What Linux says of a server's process.
struct ProcessFacts {
  std::optional<bool> hugePages;  ///< it may get transparent huge pages
  std::uint64_t swapped = 0;      ///< bytes of it in swap
};

/// A directory and the disk under it.
struct DiskFacts {
  std::filesystem::path directory;
  std::string filesystem;                   ///< "ext4"; empty: not known
  std::optional<std::uint64_t> free;        ///< bytes
  std::optional<std::vector<Nanos>> syncs;  ///< each an fdatasync after a small append
  std::string notTimed;                     ///< why there are no syncs
  bool asked = false;                       ///< it is the directory that was asked for
};

struct ClientFacts {
  std::size_t clients = 0;          ///< that were looked at
  std::uint64_t largestBuffer = 0;  ///< bytes of the replies that wait for one client
  std::string largest;              ///< that client: address and name
};

/// A look at a server's keys: all of them, or as many as were drawn.
struct KeySurvey {
  std::uint64_t keys = 0;    ///< that the server has
  std::uint64_t looked = 0;  ///< names that were drawn; some keys may be among them twice
  bool whole = false;        ///< every key was seen
  bool counters = false;     ///< uses were read (an LFU policy)
  Nanos span = 0;
  std::vector<ExaminedKey> largest;  ///< the largest first, with type and elements
  std::vector<ExaminedKey> busiest;  ///< the most used first; empty without counters
  double uses = 0;                   ///< usesOf() of all looked at, together

  /// The chance that a single key was among them.
  double chance() const;
};

/// Keys by slot, of one master.
struct SlotFacts {
  std::size_t slots = 0;  ///< that it owns
  std::uint64_t keys = 0;
  std::uint16_t fullest = 0;
  std::uint64_t keysInFullest = 0;
};

struct ServerFacts {
  Endpoint endpoint;
  std::string problem;  ///< why nothing could be read; empty: it answered
  bool here = false;    ///< on this machine
  bool tls = false;
  std::string stack;        ///< of ours that it is a server of; empty: none
  ServerInfo before, info;  ///< INFO, `watched` apart
  Nanos watched = 0;
  using Settings = std::map<std::string, std::string, std::less<>>;
  Result<Settings> settings;
  Result<std::vector<Event>> slowLog;
  Result<ClientFacts> clients;
  std::optional<Result<KeySurvey>> keys;   ///< none: a replica, or it was not asked for
  std::optional<Result<SlotFacts>> slots;  ///< of a cluster's masters
  std::optional<ProcessFacts> process;     ///< none: not here, or not to be read
  DiskFacts disk;

  /// It has no CONFIG: its configuration file alone can change a setting.
  bool lacksConfig() const;
  bool isMaster() const { return info.role() != "replica"; }
  /// Empty where the server has no such parameter or does not say.
  std::string_view setting(std::string_view name) const;
  /// How much a counter of INFO grew a second while it was watched; 0 when it was not.
  double perSecond(std::string_view field) const;
};

struct ClusterFacts {
  std::string state;  ///< "ok" or "fail"
  SlotMap map;
  Result<ClusterView> view;  ///< CLUSTER NODES, of the node that was asked first
};

struct DoctorFacts {
  MachineFacts machine;
  std::optional<DiskFacts> disk;  ///< of the directory that was asked for
  std::vector<ServerFacts> servers;
  std::optional<ClusterFacts> cluster;

  bool anyHere() const;
};

}  // namespace redline
