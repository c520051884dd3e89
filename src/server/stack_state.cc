#include "server/stack_state.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/units.h"

namespace redline {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

constexpr int kSchema = 1;
constexpr double kDefaultShare = 0.75;
/// used_memory_rss over maxmemory: fragmentation, page tables, and buffers that do not count.
constexpr double kAllocatorFactor = 1.1;

NodeState nodeOf(const Json& json) {
  NodeState node;
  node.name = json.at("name").get<std::string>();
  node.role = json.at("role").get<std::string>();
  node.port = json.at("port").get<std::uint16_t>();
  node.dir = json.at("dir").get<std::string>();
  node.process.pid = json.at("pid").get<pid_t>();
  node.process.startTicks = json.at("start_ticks").get<std::uint64_t>();
  node.process.bootId = json.at("boot_id").get<std::string>();
  return node;
}

}  // namespace

std::string toJson(const StackState& state) {
  Json nodes = Json::array();
  for (const NodeState& node : state.nodes)
    nodes.push_back({{"name", node.name},
                     {"role", node.role},
                     {"port", node.port},
                     {"socket", node.socketPath().string()},
                     {"dir", node.dir.string()},
                     {"pid", node.process.pid},
                     {"start_ticks", node.process.startTicks},
                     {"boot_id", node.process.bootId}});
  const Json json{{"schema", kSchema},
                  {"name", state.name},
                  {"topology", state.topology},
                  {"complete", state.complete},
                  {"dir", state.dir.string()},
                  {"binary", state.binary},
                  {"nodes", nodes}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<StackState> parseStackState(std::string_view text) {
  // The library speaks in exceptions for missing and mistyped fields; they end here.
  try {
    const Json json = Json::parse(text);
    if (json.at("schema").get<int>() != kSchema)
      return fail(ErrorCode::invalidInput, "it is of another version of redline");
    StackState state;
    state.name = json.at("name").get<std::string>();
    state.topology = json.at("topology").get<std::string>();
    state.complete = json.at("complete").get<bool>();
    state.dir = json.at("dir").get<std::string>();
    state.binary = json.at("binary").get<std::string>();
    for (const Json& node : json.at("nodes")) state.nodes.push_back(nodeOf(node));
    return state;
  } catch (const Json::exception& problem) {
    return fail(ErrorCode::invalidInput, "{}", problem.what());
  }
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
  return fail(ErrorCode::usage, "no place to keep a stack's state: set REDLINE_HOME or HOME");
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
              "\"{}\" is no name for a stack: use letters, digits, '-', '_' and '.'", name);
}

Status checkMemory(std::uint64_t maxmemory, std::uint64_t nodes, std::uint64_t available,
                   std::uint64_t total) {
  const double need =
      static_cast<double>(maxmemory) * static_cast<double>(nodes) * kAllocatorFactor;
  if (need <= static_cast<double>(available)) return {};
  return fail(ErrorCode::noSpace,
              "maxmemory {}{} x {} (what the allocator adds) is {}, but of this machine's {} only "
              "{} are available: lower -maxmemory, or insist with -force",
              formatSize(maxmemory), nodes == 1 ? "" : fmt::format(" x {} nodes", nodes),
              kAllocatorFactor,
              need < 1.8e19 ? formatSize(static_cast<std::uint64_t>(need)) : "more",
              formatSize(total), formatSize(available));
}

std::uint64_t defaultMaxmemory(std::uint64_t available, std::uint64_t nodes) {
  constexpr std::uint64_t kMegabyte = 1 << 20;
  const auto share = static_cast<std::uint64_t>(static_cast<double>(available) * kDefaultShare);
  return share / std::max<std::uint64_t>(nodes, 1) / kMegabyte * kMegabyte;
}

}  // namespace redline
