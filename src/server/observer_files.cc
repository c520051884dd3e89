#include "server/observer_files.h"

#include <vector>

#include "json/json.h"
#include "os/files.h"
#include "server/embedded.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// A list with one group of targets.
std::string targetList(const std::vector<std::string>& targets, const Labels& labels) {
  JsonDocument group;
  JsonWriter json = group.writer();
  json.field("targets", targets);
  json.object("labels", [&](JsonWriter& fields) {
    for (const auto& [name, value] : labels) fields.field(name, value);
  });
  return "[" + group.text(2) + "]\n";
}

}  // namespace

std::string redisTargets(const StackState& stack, std::uint16_t exporterPort) {
  std::vector<std::string> servers;
  for (const NodeState& node : stack.nodes) servers.push_back(node.endpoint().text());
  Labels labels{{"stack", stack.name},
                {"__exporter__", Endpoint{"127.0.0.1", exporterPort, {}}.text()}};
  if (stack.tls) labels.emplace_back("__redis_scheme__", "rediss://");
  return targetList(servers, labels);
}

std::string exporterPasswords(const StackState& stack, const std::string& password) {
  JsonDocument document;
  JsonWriter json = document.writer();
  for (const NodeState& node : stack.nodes)
    json.field((stack.tls ? "rediss://" : "redis://") + node.endpoint().text(), password);
  return document.text(-1);
}

std::string driverTargets(const Endpoint& driver) {
  return targetList({driver.text()}, {});
}

Status writeRedisTargets(const fs::path& directory, const StackState& stack,
                         std::uint16_t exporterPort) {
  return writeWholeFile(directory / "targets/redis.json", redisTargets(stack, exporterPort));
}

Status writeObserverFiles(const fs::path& directory, const StackState& stack,
                          std::uint16_t exporterPort, const Endpoint& driver) {
  for (const char* const folder : {"rules", "targets"})
    if (auto made = createDirectory(directory / folder); !made) return made;
  const std::pair<const char*, std::string> files[] = {
      {"prometheus.yml", std::string(kPrometheusConfig)},
      {"rules/recording.yml", std::string(kRecordingRules)},
      {"rules/alerts.yml", std::string(kAlertRules)},
      {"targets/redline.json", driverTargets(driver)}};
  for (const auto& [name, text] : files)
    if (auto written = writeWholeFile(directory / name, text); !written) return written;
  return writeRedisTargets(directory, stack, exporterPort);
}

}  // namespace redline
