#include "cmd/lab_tools.h"

#include <fmt/format.h>

#include <system_error>

#include "base/toml_nesting.h"
#include "base/typed_value.h"
#include "cmd/commands.h"
#include "cmd/plans.h"
#include "cmd/resolve.h"
#include "cmd/stack_options.h"
#include "cmd/tls_flags.h"
#include "os/files.h"
#include "server/host.h"
#include "server/postgres_server.h"
#include "server/scratch.h"

namespace redline {

namespace fs = std::filesystem;

namespace {

/// A sub-command's flags resolved as on a command line, but for the environment: an experiment is
/// the same whatever is set there.
Result<FlagValues> resolved(const Command& command, const Flags& flags) {
  return resolve(command, commands(), {flags, {}, [](const std::string& path) {
                                         return readWholeFile(path, kMostTomlBytes);
                                       }});
}

std::vector<std::string> argvOf(std::string_view command, const Flags& flags) {
  std::vector<std::string> argv{"redline", std::string(command)};
  argv.insert(argv.end(), flags.begin(), flags.end());
  return argv;
}

std::string cpuText(const std::vector<unsigned>& cpus) {
  return fmt::format("{}", fmt::join(cpus, ","));
}

}  // namespace

std::vector<FlagSpec> machineFlags() {
  constexpr std::string_view kGroup = "Machine";
  return {
      {.name = "server-cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the servers' main threads",
       .example = "0",
       .group = kGroup,
       .whenEmpty = "the first usable one, if there are two"},
      {.name = "cpus",
       .kind = ValueKind::cpuList,
       .help = "CPUs of the generator",
       .example = "1",
       .group = kGroup,
       .whenEmpty = "the second usable one"},
      {.name = "priority",
       .kind = ValueKind::boolean,
       .fallback = "true",
       .help = "servers and generator go before other programs (nice -20), where that is allowed; "
               "false: they share the cores as equals, and other programs disturb more runs",
       .group = kGroup},
      {.name = "stacks",
       .kind = ValueKind::path,
       .help = "directory for the servers' files while they run; on a disk, not in memory",
       .example = "/var/tmp",
       .group = kGroup,
       .whenEmpty = "lab/ in REDLINE_HOME, or ~/.local/state/redline"},
  };
}

LabTools labTools() {
  LabTools tools;
  tools.stack = [](const Flags& up) -> Result<StackOptions> {
    Flags words{"up"};
    words.insert(words.end(), up.begin(), up.end());
    const auto flags = resolved(*findCommand("stack"), words);
    if (!flags) return fail(flags.error());
    return stackOptions(*flags, "");
  };
  tools.load = [](const Flags& given) -> Result<LoadRunPlan> {
    const auto flags = resolved(*findCommand("loader"), given);
    if (!flags) return fail(flags.error());
    const auto credentials = credentialsFrom(*flags, "");
    if (!credentials) return fail(credentials.error());
    return loadRunPlan({*flags, argvOf("loader", given), ""}, *credentials);
  };
  tools.drive = [](const Flags& given) -> Result<DriverPlan> {
    const auto flags = resolved(*findCommand("driver"), given);
    if (!flags) return fail(flags.error());
    const auto credentials = credentialsFrom(*flags, "");
    if (!credentials) return fail(credentials.error());
    return driverPlan({*flags, argvOf("driver", given), ""}, *credentials);
  };
  return tools;
}

LabCpus labCpus(const FlagValues& flags) {
  LabCpus cpus{cpuText(flags.cpus("server-cpus")), cpuText(flags.cpus("cpus"))};
  const std::vector<unsigned> ours = allowedCpus();
  if (ours.size() < 2) return cpus;
  if (cpus.server.empty()) cpus.server = std::to_string(ours[0]);
  if (cpus.generator.empty()) cpus.generator = std::to_string(ours[1]);
  return cpus;
}

Result<Scratch> Scratch::make(const FlagValues& flags) {
  const auto parent = flags.empty("stacks") ? labScratch() : fs::path(flags.text("stacks"));
  if (!parent) return fail(parent.error());
  clearScratch(*parent);
  clearLeftPostgres();
  auto path = makeScratch(*parent);
  if (!path) return fail(path.error());
  return Scratch(std::move(*path));
}

Scratch::~Scratch() {
  std::error_code none;
  if (!path_.empty()) fs::remove_all(path_, none);
}

}  // namespace redline
