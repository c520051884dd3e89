#include "server/server_process.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "os/files.h"

namespace redline {
namespace {

constexpr std::string_view kServer = "redis-server";

std::string fieldOf(const std::map<std::string, std::string, std::less<>>& info,
                    std::string_view field) {
  const auto found = info.find(field);
  return found == info.end() ? std::string{} : found->second;
}

std::vector<pid_t> namespacePids(pid_t pid) {
  return parseNamespacePids(readWholeFile(fmt::format("/proc/{}/status", pid)).value_or(""));
}

}  // namespace

std::vector<pid_t> parseNamespacePids(std::string_view status) {
  constexpr std::string_view kField = "NSpid:";
  std::vector<pid_t> pids;
  for (const std::string_view line : splitLines(status)) {
    if (!line.starts_with(kField)) continue;
    for (const std::string_view word : splitWords(line.substr(kField.size())))
      if (const auto pid = toNumber<pid_t>(word)) pids.push_back(*pid);
  }
  return pids;
}

std::uint16_t portInTitle(std::string_view commandLine) {
  std::string text(commandLine);
  std::ranges::replace(text, '\0', ' ');
  const auto words = splitWords(text);
  if (words.size() < 2 || !words[0].ends_with(kServer)) return 0;
  return toNumber<std::uint16_t>(words[1].substr(words[1].rfind(':') + 1)).value_or(0);
}

std::optional<ProcessId> serverProcess(
    const std::map<std::string, std::string, std::less<>>& info) {
  const auto told = toNumber<pid_t>(fieldOf(info, "process_id"));
  if (!told || *told <= 0) return std::nullopt;
  const auto stat = readProcessStat(*told);
  if (stat && stat->command.starts_with(kServer) && namespacePids(*told).size() <= 1)
    return identify(*told);
  const auto port = toNumber<std::uint16_t>(fieldOf(info, "tcp_port"));
  if (!port) return std::nullopt;
  std::optional<ProcessId> found;
  for (const ProcessId& process : processesNamed(kServer)) {
    const auto pids = namespacePids(process.pid);
    if (pids.size() < 2 || pids.back() != *told) continue;
    const auto title = readWholeFile(fmt::format("/proc/{}/cmdline", process.pid));
    if (!title || portInTitle(*title) != *port) continue;
    if (found) return std::nullopt;
    found = process;
  }
  return found;
}

std::optional<ProcessId> ServerProcess::of(
    const std::map<std::string, std::string, std::less<>>& info) {
  const std::string runId = fieldOf(info, "run_id");
  if (runId == runId_ && !runId.empty() && (!process_ || isAlive(*process_))) return process_;
  runId_ = runId;
  return process_ = serverProcess(info);
}

}  // namespace redline
