#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/process.h"

namespace redline {

/// The process of this machine that an INFO of a server on this machine is of. It has process_id as
/// its number; or the server has a pid namespace of its own (a container), and it is the one
/// redis-server that has that number there and tcp_port in its title. None: it cannot be told.
std::optional<ProcessId> serverProcess(const std::map<std::string, std::string, std::less<>>& info);

/// The same, remembered as long as it lives and the server's run_id stays.
class ServerProcess {
 public:
  std::optional<ProcessId> of(const std::map<std::string, std::string, std::less<>>& info);

 private:
  std::string runId_;
  std::optional<ProcessId> process_;
};

/// A process's number in each pid namespace that it is in, the outermost first: NSpid of
/// /proc/PID/status. Empty when it has none.
std::vector<pid_t> parseNamespacePids(std::string_view status);
/// The port in the title of a redis-server, "redis-server 127.0.0.1:7700 [cluster]"; 0: it has
/// none.
std::uint16_t portInTitle(std::string_view commandLine);

}  // namespace redline
