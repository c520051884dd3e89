#include "cmd/common_flags.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "cmd/tls_flags.h"

namespace redline {

std::vector<FlagSpec> joinFlags(std::initializer_list<std::vector<FlagSpec>> parts) {
  std::vector<FlagSpec> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<FlagSpec> targetFlags() {
  constexpr std::string_view kGroup = "Server";
  const std::vector<FlagSpec> server{
      {.name = "addr",
       .kind = ValueKind::endpoints,
       .fallback = "127.0.0.1:7600",
       .help = "address of Redis: HOST:PORT, unix:/path, or a redis:// URL, whose "
               "user and password are used as -user and REDLINE_PASSWORD are; of a cluster, any of "
               "its nodes",
       .example = "127.0.0.1:7600,127.0.0.1:7601",
       .group = kGroup},
      {.name = "topology",
       .kind = ValueKind::choice,
       .help = "what -addr must name: a single server, or nodes of a Redis Cluster",
       .example = "cluster",
       .group = kGroup,
       .choices = {"node", "cluster"},
       .whenEmpty = "as the server is"},
      {.name = "user",
       .help =
           "user for AUTH; the password comes from REDLINE_PASSWORD (or from -addr's URL, which "
           "other users of the machine can read in the list of processes)",
       .example = "lab",
       .group = kGroup,
       .whenEmpty = "the default user"},
      {.name = "allow",
       .help = "other machines that may be connected to: hosts, addresses or networks, with commas",
       .example = "redis.example,10.0.0.0/8",
       .group = kGroup,
       .whenEmpty = "this machine only"},
      {.name = "any-version",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "accept a Redis that is not 7.x",
       .group = kGroup},
  };
  return joinFlags({server, tlsFlags()});
}

FlagSpec ttlMinFlag(std::string_view group) {
  return {.name = "ttl-min",
          .kind = ValueKind::duration,
          .fallback = "60s",
          .help = "shortest time to live; uniform up to -ttl-max",
          .example = "5m",
          .group = group,
          .positive = true,
          .least = "1ms",
          .most = "87600h"};
}

FlagSpec ttlMaxFlag(std::string_view group) {
  return {.name = "ttl-max",
          .kind = ValueKind::duration,
          .fallback = "3600s",
          .help = "longest time to live",
          .example = "1h",
          .group = group,
          .positive = true,
          .least = "1ms",
          .most = "87600h"};
}

std::vector<FlagSpec> dataSetFlags() {
  constexpr std::string_view kGroup = "Data set (the same for loader and driver)";
  return {
      {.name = "keys",
       .kind = ValueKind::count,
       .fallback = "1M",
       .help = "number of keys: obj:0, obj:1, ...",
       .example = "100M",
       .group = kGroup,
       .positive = true,
       .most = "1000G"},
      {.name = "value-size",
       .kind = ValueKind::size,
       .fallback = "100",
       .help = "bytes of each value",
       .example = "4KB",
       .group = kGroup,
       .positive = true,
       .most = "512MB"},
      {.name = "ttl-frac",
       .kind = ValueKind::share,
       .fallback = "0.3",
       .help = "share of the keys that expire, 0 to 1",
       .example = "30%",
       .group = kGroup},
      ttlMinFlag(kGroup),
      ttlMaxFlag(kGroup),
      {.name = "seed",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "seed for values and times to live",
       .example = "42",
       .group = kGroup},
  };
}

std::vector<FlagSpec> generatorFlags(std::string_view waitHelp,
                                     std::vector<std::string_view> waits) {
  constexpr std::string_view kGroup = "Generator";
  return {
      {.name = "threads",
       .kind = ValueKind::count,
       .fallback = "1",
       .help = "worker threads, each with its own connections",
       .example = "4",
       .group = kGroup,
       .positive = true,
       .most = "256"},
      {.name = "cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs to pin the workers to, in turn; redline's other threads use them too",
       .example = "1,4-7",
       .group = kGroup,
       .whenEmpty = "not pinned"},
      {.name = "io",
       .kind = ValueKind::choice,
       .fallback = "auto",
       .help = "socket interface; auto is io_uring, or epoll where the kernel refuses it",
       .example = "epoll",
       .group = kGroup,
       .choices = {"auto", "uring", "epoll"}},
      {.name = "wait",
       .kind = ValueKind::choice,
       .fallback = "auto",
       .help = waitHelp,
       .example = "spin",
       .group = kGroup,
       .choices = std::move(waits)},
  };
}

IoChoice ioChoice(const FlagValues& flags) {
  if (flags.is("io", "uring")) return IoChoice::uring;
  return flags.is("io", "epoll") ? IoChoice::epoll : IoChoice::automatic;
}

WaitMode waitMode(const FlagValues& flags) {
  const auto* const name = std::ranges::find(kWaitNames, flags.text("wait"));
  return static_cast<WaitMode>(name - kWaitNames.begin());
}

std::vector<FlagSpec> outputFlags(const OutputTexts& texts) {
  constexpr std::string_view kGroup = "Output";
  return {
      {.name = "interval",
       .kind = ValueKind::duration,
       .fallback = "1s",
       .help = texts.interval,
       .example = "500ms",
       .group = kGroup,
       .positive = true,
       .least = "1ms",
       .most = "24h"},
      {.name = "json",
       .kind = ValueKind::path,
       .help = "also write the summary as JSON to this file; -: to standard output, and everything "
               "else to standard error",
       .example = "summary.json",
       .group = kGroup,
       .whenEmpty = texts.noJson},
      {.name = "out",
       .kind = ValueKind::path,
       .help = "the run directory",
       .example = "runs/first",
       .group = kGroup,
       .whenEmpty = texts.directory},
      {.name = "force",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = texts.force,
       .group = kGroup},
      {.name = "check-flags",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "only check the flags: no server is asked, and nothing is written",
       .group = kGroup},
  };
}

Status checkFileFlag(const FlagValues& flags, std::string_view name) {
  namespace fs = std::filesystem;
  if (flags.empty(name) || (name == "json" && flags.is(name, "-"))) return {};
  const fs::path path = flags.text(name);
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code problem;
  if (!fs::is_directory(parent, problem))
    return fail(ErrorCode::io,
                "-{}={}: there is no directory {}: create it, or name a file "
                "elsewhere",
                name, path.native(), parent.native());
  if (fs::is_directory(path, problem))
    return fail(ErrorCode::usage, "-{}={} is a directory: name a file in it", name, path.native());
  return {};
}

std::vector<FlagSpec> configFlag() {
  return {
      {.name = "config",
       .kind = ValueKind::path,
       .help = "a TOML file with flags, at the top level or in a table named after the sub-command",
       .example = "lab.toml",
       .group = "General",
       .whenEmpty = "none"}};
}

}  // namespace redline
