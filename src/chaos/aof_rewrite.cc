#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "chaos/catalog.h"
#include "chaos/fork_fault.h"
#include "chaos/target.h"
#include "server/host.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

constexpr ForkKind kRewrite{.command = "BGREWRITEAOF",
                            .work = "append-only file",
                            .spanFigure = "rewrite_s",
                            .inProgress = "aof_rewrite_in_progress",
                            .lastStatus = "aof_last_bgrewrite_status",
                            .lastCopied = "aof_last_cow_size",
                            .currentSpan = "aof_current_rewrite_time_sec"};

/// A server without an append-only file gets one before the load, which takes a first rewrite; the
/// one that is measured is the second. It loses the file again when the load is over.
class AofRewrite final : public ForkFault {
 public:
  AofRewrite(FaultArguments arguments, const FaultContext& context)
      : ForkFault(std::move(arguments), context, kRewrite) {}

  Status prepare() override {
    if (auto ready = ForkFault::prepare(); !ready) return ready;
    const std::string system = filesystemOf(directory());
    if (system == "tmpfs" && !context_.force)
      return fail(ErrorCode::unsafe,
                  "{} keeps its files in memory (tmpfs), where an append-only file costs what no "
                  "disk would: start the stack with -dir on a disk, or insist with -force",
                  findings_.node);
    const auto on = admin().configGet("appendonly");
    if (!on) return fail(on.error());
    return *on == "yes" ? Status{} : turnOn();
  }

  Status inject() override {
    if (auto done = ForkFault::inject(); !done) return done;
    const auto info = read();
    if (!info) return fail(info.error());
    const double size = info->number("aof_current_size");
    findings_.figures.emplace_back("aof_bytes", size);
    findings_.detail += fmt::format(", on {}", filesystemOf(directory()));
    return {};
  }

  Status tidy() override {
    if (!turnedOn_) return {};
    if (auto off = admin().configSet("appendonly", "no"); !off) return off;
    turnedOn_ = false;
    std::error_code problem;
    if (removeFiles_ && fs::remove_all(files_, problem); problem)
      return fail(ErrorCode::io, "cannot remove {}: {}", files_.string(), problem.message());
    return {};
  }

 private:
  Status turnOn() {
    const auto name = admin().configGet("appenddirname");
    if (!name) return fail(name.error());
    files_ = fs::path(directory()) / *name;
    std::error_code problem;
    removeFiles_ = ours() && !fs::exists(files_, problem);
    turnedOn_ = true;
    if (auto on = admin().configSet("appendonly", "yes"); !on) return on;
    if (auto written = awaitIdle(); !written) return written;
    const auto info = read();
    if (!info) return fail(info.error());
    if (info->text("aof_last_bgrewrite_status") == "ok") return {};
    return fail(ErrorCode::io, "{} could not write its first append-only file: its log says why",
                findings_.node);
  }

  bool turnedOn_ = false;
  bool removeFiles_ = false;  ///< they were not there before, and go with the fault
  fs::path files_;
};

}  // namespace

FaultSpec aofRewriteFault() {
  return {.name = "aof-rewrite",
          .summary =
              "BGREWRITEAOF: the server forks, and a child rewrites the append-only file, which is "
              "turned on for the load if necessary",
          .parameters = {targetParameter()},
          .make = makeFault<AofRewrite>};
}

}  // namespace redline
