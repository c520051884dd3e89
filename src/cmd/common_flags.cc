#include "cmd/common_flags.h"

#include <filesystem>
#include <string>
#include <system_error>

namespace redline {

std::vector<FlagSpec> joinFlags(std::initializer_list<std::vector<FlagSpec>> parts) {
  std::vector<FlagSpec> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::vector<FlagSpec> targetFlags() {
  constexpr std::string_view kGroup = "Server";
  return {
      {.name = "addr",
       .kind = FlagKind::endpoints,
       .fallback = "127.0.0.1:7600",
       .help = "where Redis listens, or unix:/path; on this machine only; of a cluster any nodes",
       .example = "127.0.0.1:7600,127.0.0.1:7601",
       .group = kGroup},
      {.name = "topology",
       .kind = FlagKind::choice,
       .fallback = "node",
       .help = "what listens there: a single server, or nodes of a Redis Cluster",
       .example = "cluster",
       .group = kGroup,
       .choices = {"node", "cluster"}},
      {.name = "user",
       .help = "user for AUTH; the password comes from REDLINE_PASSWORD, never from a flag",
       .example = "lab",
       .group = kGroup,
       .whenEmpty = "the default user"},
      {.name = "any-version",
       .kind = FlagKind::boolean,
       .fallback = "false",
       .help = "accept a Redis that is not 7.x",
       .group = kGroup},
  };
}

std::vector<FlagSpec> dataSetFlags() {
  constexpr std::string_view kGroup = "Data set (the same for loader and driver)";
  return {
      {.name = "keys",
       .kind = FlagKind::count,
       .fallback = "1M",
       .help = "how many keys there are: obj:0, obj:1, ...",
       .example = "100M",
       .group = kGroup,
       .positive = true},
      {.name = "value-size",
       .kind = FlagKind::size,
       .fallback = "100",
       .help = "bytes of each value",
       .example = "4KB",
       .group = kGroup,
       .positive = true},
      {.name = "ttl-frac",
       .kind = FlagKind::share,
       .fallback = "0.3",
       .help = "share of the keys that expire, 0 to 1",
       .example = "30%",
       .group = kGroup},
      {.name = "ttl-min",
       .kind = FlagKind::duration,
       .fallback = "60s",
       .help = "shortest time to live; drawn evenly up to -ttl-max",
       .example = "5m",
       .group = kGroup,
       .positive = true},
      {.name = "ttl-max",
       .kind = FlagKind::duration,
       .fallback = "3600s",
       .help = "longest time to live",
       .example = "1h",
       .group = kGroup,
       .positive = true},
      {.name = "seed",
       .kind = FlagKind::count,
       .fallback = "1",
       .help = "fixes keys, values and times to live",
       .example = "42",
       .group = kGroup},
  };
}

std::vector<FlagSpec> generatorFlags() {
  constexpr std::string_view kGroup = "Generator";
  return {
      {.name = "threads",
       .kind = FlagKind::count,
       .fallback = "1",
       .help = "worker threads, each with its own connections",
       .example = "4",
       .group = kGroup,
       .positive = true},
      {.name = "cpus",
       .kind = FlagKind::cpuList,
       .help = "CPUs to pin the workers to, one after the other; what is done beside them stays "
               "there too",
       .example = "1,4-7",
       .group = kGroup,
       .whenEmpty = "not pinned"},
      {.name = "io",
       .kind = FlagKind::choice,
       .fallback = "auto",
       .help = "how sockets are served; auto is io_uring, or epoll where the kernel refuses it",
       .example = "epoll",
       .group = kGroup,
       .choices = {"auto", "uring", "epoll"}},
      {.name = "wait",
       .kind = FlagKind::choice,
       .fallback = "auto",
       .help = "how a worker waits: auto sleeps and then spins shortly before an operation is due",
       .example = "spin",
       .group = kGroup,
       .choices = {"auto", "spin", "block"}},
  };
}

std::vector<FlagSpec> outputFlags(std::string_view defaultDirectory) {
  constexpr std::string_view kGroup = "Output";
  return {
      {.name = "interval",
       .kind = FlagKind::duration,
       .fallback = "1s",
       .help = "length of an interval: one live line, one row of intervals.csv",
       .example = "500ms",
       .group = kGroup,
       .positive = true},
      {.name = "json",
       .kind = FlagKind::path,
       .help = "also write the summary to this file",
       .example = "summary.json",
       .group = kGroup,
       .whenEmpty = "only in the run directory"},
      {.name = "out",
       .kind = FlagKind::path,
       .help = "the run directory",
       .example = "runs/first",
       .group = kGroup,
       .whenEmpty = defaultDirectory},
      {.name = "force",
       .kind = FlagKind::boolean,
       .fallback = "false",
       .help = "go on where a check would stop: a run directory that exists, data that is there",
       .group = kGroup},
  };
}

Status checkFileFlag(const FlagValues& flags, std::string_view name) {
  namespace fs = std::filesystem;
  if (flags.empty(name)) return {};
  const fs::path path = flags.text(name);
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code problem;
  if (!fs::is_directory(parent, problem))
    return fail(ErrorCode::io,
                "-{}={}: there is no directory {}: make it first, or name a file "
                "elsewhere",
                name, path.native(), parent.native());
  if (fs::is_directory(path, problem))
    return fail(ErrorCode::usage, "-{}={} is a directory: name a file in it", name, path.native());
  return {};
}

std::vector<FlagSpec> configFlag() {
  return {{.name = "config",
           .kind = FlagKind::path,
           .help = "a TOML file with flags, at its top or in a table named as the sub-command",
           .example = "lab.toml",
           .group = "General",
           .whenEmpty = "none"}};
}

}  // namespace redline
