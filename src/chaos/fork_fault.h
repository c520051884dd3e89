#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "chaos/fault.h"
#include "chaos/fork_watch.h"

namespace redline {

/// What distinguishes one kind of child from the other. The names are INFO's.
struct ForkKind {
  std::string_view command;      ///< "BGSAVE"
  std::string_view work;         ///< "snapshot": what the child writes
  std::string_view spanFigure;   ///< "snapshot_s"
  std::string_view inProgress;   ///< "rdb_bgsave_in_progress"
  std::string_view lastStatus;   ///< "rdb_last_bgsave_status"
  std::string_view lastCopied;   ///< "rdb_last_cow_size"
  std::string_view currentSpan;  ///< "rdb_current_bgsave_time_sec"
};

/// A fault that makes a server fork: what BGSAVE and BGREWRITEAOF have in common. Its effect: the
/// server counts one fork more, and its child succeeds.
class ForkFault : public Fault {
 public:
  Status prepare() override;
  Status check() override;
  Status inject() override;
  /// Waits for a child that still writes: it would disturb whatever comes next.
  Status heal() override;

 protected:
  ForkFault(FaultArguments arguments, const FaultContext& context, const ForkKind& kind)
      : Fault(context), arguments_(std::move(arguments)), kind_(kind) {}

  Admin& admin() { return *admin_; }
  /// The server's directory. It is on this machine: faults may only target local servers.
  const std::string& directory() const { return directory_; }
  /// The server is one that redline started: its files may be removed.
  bool ours() const { return ours_; }
  /// INFO's persistence and stats.
  Result<ServerInfo> read();
  bool inProgress(const ServerInfo& info) const { return info.count(kind_.inProgress) != 0; }
  /// Waits until no child of this kind runs.
  Status awaitIdle();

 private:
  Result<ServerInfo> watch(Nanos begin);
  std::string progressText(const ServerInfo& info) const;
  void report(const ServerInfo& info, Nanos span);

  FaultArguments arguments_;
  const ForkKind& kind_;
  std::optional<Admin> admin_;
  std::string directory_;
  bool ours_ = false;
  bool begun_ = false;  ///< a running child, if any, is ours
  ForkEstimate estimate_;
  std::uint64_t peakCopied_ = 0;
};

}  // namespace redline
