#include <fmt/format.h>

#include <filesystem>

#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "os/console.h"
#include "report/write_report.h"

namespace redline {
namespace {

std::filesystem::path outputDirectory(const FlagValues& flags) {
  if (!flags.empty("out")) return flags.text("out");
  const auto& directories = flags.positionalWords();
  return directories.size() == 1 ? std::filesystem::path(directories.front()) : "report";
}

Result<ExitCode> runReport(const Invocation& invocation) {
  const FlagValues& flags = invocation.flags;
  const std::filesystem::path out = outputDirectory(flags);
  const auto files = writeReport(flags.positionalWords(), out);
  if (!files) return fail(files.error());
  if (flags.empty("out"))
    printErr("report: written into {} (-out=DIR for another place)\n", (out / "").string());
  printOut("{}\n{}\n", files->html.string(), files->findings.string());
  if (!files->details.empty()) printOut("{}\n", files->details.string());
  return ExitCode::good;
}

}  // namespace

Command reportCommand() {
  Command command;
  command.name = "report";
  command.summary = "render run directories as an HTML report and FINDINGS.md";
  command.about =
      "Reads run directories; needs no server. report.html is one self-contained page; FINDINGS.md "
      "and plots/ are the same for a repository. The verdict comes first: valid, or invalid and "
      "why. A crashed run is reported as far as its files go.";
  command.positionals = {
      {.name = "dir", .help = "a run directory, or several", .repeated = true, .paths = true}};
  command.flags =
      joinFlags({{{.name = "out",
                   .kind = ValueKind::path,
                   .help = "the directory to write to; an earlier report there is replaced",
                   .example = "results/ceiling",
                   .group = "Output",
                   .whenEmpty = "the run directory; for several, report"}},
                 configFlag()});
  command.examples = {
      {"redline report runs/before", "writes runs/before/report.html and FINDINGS.md"},
      {"redline report runs/before runs/after -out=results/fsync",
       "two runs side by side, then each one"},
  };
  command.more =
      "docs/run-format.md describes a run directory, docs/terminology.md defines the terms.";
  command.run = runReport;
  return command;
}

}  // namespace redline
