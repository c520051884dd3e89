#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/process.h"
#include "server/stack_state.h"
#include "transport/endpoint.h"

namespace redline {

/// One of the programs that watch a stack.
struct ObserverState {
  std::string name;  ///< "prometheus" or "prometheus-redis-exporter": the program and its package
  std::uint16_t port = 0;
  ProcessId process;  ///< pid 0: not started yet

  std::string url() const;  ///< "http://127.0.0.1:7690"
  bool operator==(const ObserverState&) const = default;
};

struct ObserveOptions {
  std::uint16_t port = 0;  ///< Prometheus's; the exporter has the next one. 0: free ones
  Endpoint driver{"127.0.0.1", 9121, {}};  ///< whose /metrics is scraped, whenever it is there
  Nanos timeout = 30 * kSecond;            ///< until each of them must answer
  std::function<bool()> interrupted;       ///< true: wait no longer; may be empty
  bool dieWithParent = false;              ///< they end with this process, however it ends
};

/// Debian's Prometheus and its exporter for Redis, which watch the servers of one stack and outlive
/// this process: their processes and files, in a directory of the stack's. They serve without a
/// password and on loopback alone.
class Observers {
 public:
  /// Those that observers.json in `directory` names; none where there is no such file.
  static Result<Observers> load(std::filesystem::path directory);

  const std::vector<ObserverState>& all() const { return observers_; }
  /// The address of the driver whose /metrics Prometheus scrapes; empty where it is not known.
  const std::string& driver() const { return driver_; }
  const std::filesystem::path& directory() const { return directory_; }
  /// Where that program's output is.
  std::filesystem::path logPath(const ObserverState& observer) const;

  /// What can be checked before anything is started: the programs are there (io) and the ports free
  /// (unreachable). Chooses the ports.
  Status plan(const ObserveOptions& options);
  /// Starts those that do not run, and returns when they answer, Prometheus with the figures of a
  /// first scrape. Those that run are left as they are. `password`: the servers'. On failure some
  /// may run.
  Status start(const StackState& stack, const ObserveOptions& options, const std::string& password);
  /// Starts those again that no longer run, where they were, and returns their names when they
  /// answer. As start() does, from the files that it wrote.
  Result<std::vector<std::string>> restartDead(const StackState& stack,
                                               const std::string& password);
  /// Has Prometheus scrape these servers instead of those that it was started with.
  Status follow(const StackState& stack) const;
  /// Stops those that run. Returns what it did, a line each.
  Result<std::vector<std::string>> stop();

 private:
  explicit Observers(std::filesystem::path directory) : directory_(std::move(directory)) {}
  std::filesystem::path statePath() const { return directory_ / "observers.json"; }
  Status save() const;
  Status launch(ObserverState& observer, const StackState& stack, const std::string& password,
                bool dieWithParent) const;
  Result<std::vector<std::string>> startDead(const StackState& stack, const ObserveOptions& options,
                                             const std::string& password);
  Status await(const ObserverState& observer, Nanos deadline,
               const std::function<bool()>& interrupted) const;
  Status checkAlive(const ObserverState& observer) const;
  std::string lastWords(const ObserverState& observer) const;
  std::vector<std::string> command(const ObserverState& observer, const StackState& stack,
                                   bool secret) const;

  std::filesystem::path directory_;
  std::vector<ObserverState> observers_;
  std::string driver_;
};

}  // namespace redline
