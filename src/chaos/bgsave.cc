#include <filesystem>
#include <utility>

#include "chaos/catalog.h"
#include "chaos/fork_fault.h"
#include "chaos/target.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

constexpr ForkKind kSnapshot{.command = "BGSAVE",
                             .work = "snapshot",
                             .spanFigure = "snapshot_s",
                             .inProgress = "rdb_bgsave_in_progress",
                             .lastStatus = "rdb_last_bgsave_status",
                             .lastCopied = "rdb_last_cow_size",
                             .currentSpan = "rdb_current_bgsave_time_sec"};

class Bgsave final : public ForkFault {
 public:
  Bgsave(FaultArguments arguments, const FaultContext& context)
      : ForkFault(std::move(arguments), context, kSnapshot) {}

  Status prepare() override {
    if (auto ready = ForkFault::prepare(); !ready) return ready;
    const auto name = admin().configGet("dbfilename");
    if (!name) return fail(name.error());
    file_ = fs::path(directory()) / *name;
    std::error_code problem;
    removeFile_ = ours() && !fs::exists(file_, problem);
    return {};
  }

  Status tidy() override {
    std::error_code problem;
    if (removeFile_ && fs::remove(file_, problem); problem)
      return fail(ErrorCode::io, "cannot remove {}: {}", file_.string(), problem.message());
    return {};
  }

 private:
  fs::path file_;
  bool removeFile_ = false;  ///< it was not there before, and goes with the fault
};

}  // namespace

FaultSpec bgsaveFault() {
  return {.name = "bgsave",
          .summary = "BGSAVE: the server forks, and a child writes a snapshot",
          .parameters = {targetParameter()},
          .make = makeFault<Bgsave>};
}

}  // namespace redline
