#include "metrics/live_servers.h"

namespace redline {

void LiveServers::add(const ServerSample& sample) {
  const auto [known, isNew] = servers_.try_emplace(sample.addr);
  known->second.history.add(sample);
  if (isNew) known->second.first = known->second.atStep = sample;
}

void LiveServers::start() {
  for (auto& [addr, readings] : servers_) readings.first = readings.atStep;
}

std::vector<LiveServerStep> LiveServers::step() {
  std::vector<LiveServerStep> steps;
  for (auto& [addr, readings] : servers_) {
    const double spanS = toSeconds(readings.latest().at - readings.atStep.at);
    steps.push_back({readings.history.figures(readings.atStep, readings.latest()), spanS});
    if (spanS > 0) readings.atStep = readings.latest();
  }
  return steps;
}

std::vector<ServerFigures> LiveServers::soFar(double steal) const {
  std::vector<ServerFigures> all;
  for (const auto& [addr, readings] : servers_)
    all.push_back(readings.history.figures(readings.first, readings.latest(), steal));
  return all;
}

}  // namespace redline
