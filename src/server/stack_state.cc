#include "server/stack_state.h"

#include <algorithm>
#include <cstdlib>

#include "base/units.h"
#include "json/json.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kSchema = 1;
constexpr double kDefaultShare = 0.75;
/// used_memory_rss over maxmemory: fragmentation, page tables, and buffers that do not count.
constexpr double kAllocatorFactor = 1.1;

}  // namespace

void visit(auto& json, MappedAs<NodeState> auto& node) {
  json.field("name", node.name);
  json.field("role", node.role);
  json.field("port", node.port);
  json.derived("socket", [&] { return node.socketPath(); });
  json.field("dir", node.dir);
  json.field("pid", node.process.pid);
  json.field("start_ticks", node.process.startTicks);
  json.field("boot_id", node.process.bootId);
  json.field("container", node.container);
}

void visit(auto& json, MappedAs<PostgresState> auto& postgres) {
  json.field("dir", postgres.dir);
  json.field("programs", postgres.programs);
  json.field("cpus", postgres.cpus);
  json.field("pid", postgres.process.pid);
  json.field("start_ticks", postgres.process.startTicks);
  json.field("boot_id", postgres.process.bootId);
}

/// A list of one or none.
void visitBacking(auto& json, auto& backing) {
  std::vector<PostgresState> list;
  constexpr bool kReads = std::remove_reference_t<decltype(json)>::kReads;
  if constexpr (!kReads)
    if (backing) list.push_back(*backing);
  json.field("backing", list);
  if constexpr (kReads)
    if (!list.empty()) backing = list.front();
}

void visit(auto& json, MappedAs<StackState> auto& state) {
  json.schema(kSchema);
  json.field("name", state.name);
  json.field("topology", state.topology);
  json.field("complete", state.complete);
  json.field("dir", state.dir);
  json.field("binary", state.binary);
  json.field("tls", state.tls);
  json.field("compose", state.compose);
  json.field("settings", state.settings);
  json.field("nodes", state.nodes);
  visitBacking(json, state.backing);
}

std::string toJson(const StackState& state) {
  return writeJson(state, 2) + "\n";
}

Result<StackState> parseStackState(std::string_view text, std::string_view name) {
  return readJson<StackState>(text, {.name = name}, MissingField::isRefused);
}

Result<fs::path> stateHome() {
  const auto variable = [](const char* name) -> std::string {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string home = variable("REDLINE_HOME"); !home.empty()) return fs::absolute(home);
  if (const std::string state = variable("XDG_STATE_HOME"); !state.empty())
    return fs::path(state) / "redline";
  if (const std::string home = variable("HOME"); !home.empty())
    return fs::path(home) / ".local" / "state" / "redline";
  return fail(ErrorCode::usage, "no directory for the stacks' state: set REDLINE_HOME or HOME");
}

Status makeStateDirectory(const fs::path& directory) {
  std::error_code problem;
  fs::create_directories(directory, problem);
  if (!problem) return {};
  return fail(ErrorCode::io,
              "cannot make {}: {}; set REDLINE_HOME to a directory that can be written to",
              directory.string(), problem.message());
}

Status checkStackName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!name.empty() && name.size() <= 64 && name.front() != '.' &&
      std::all_of(name.begin(), name.end(), allowed))
    return {};
  return fail(ErrorCode::usage,
              "\"{}\" is not a valid stack name: use letters, digits, '-', '_' and '.'", name);
}

Status checkMemory(std::uint64_t maxmemory, std::uint64_t nodes, std::uint64_t available,
                   std::uint64_t total) {
  const double need =
      static_cast<double>(maxmemory) * static_cast<double>(nodes) * kAllocatorFactor;
  if (need <= static_cast<double>(available)) return {};
  return fail(ErrorCode::noSpace,
              "maxmemory {}{} x {} (allocator overhead) is {}, but only {} of this machine's {} "
              "are available: lower -maxmemory, or insist with -force",
              formatSize(maxmemory), nodes == 1 ? "" : fmt::format(" x {} nodes", nodes),
              kAllocatorFactor,
              need < 1.8e19 ? formatSize(static_cast<std::uint64_t>(need)) : "more",
              formatSize(available), formatSize(total));
}

std::uint64_t defaultMaxmemory(std::uint64_t available, std::uint64_t nodes) {
  constexpr std::uint64_t kMegabyte = 1 << 20;
  const auto share = static_cast<std::uint64_t>(static_cast<double>(available) * kDefaultShare);
  return share / std::max<std::uint64_t>(nodes, 1) / kMegabyte * kMegabyte;
}

}  // namespace redline
