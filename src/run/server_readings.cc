#include "run/server_readings.h"

#include <optional>

#include "server/sampler.h"

namespace redline {
namespace {

constexpr Nanos kReadingTimeout = 500 * kMillisecond;

std::optional<ServerSample> readingOf(const std::string& addr, const ServerSamples& edge,
                                      const std::optional<ServerSample>& otherwise) {
  const auto found = edge.find(addr);
  return found == edge.end() ? otherwise : found->second;
}

}  // namespace

ServerSamples readSamples(std::vector<Target>& targets) {
  ServerSamples samples;
  for (Target& target : targets)
    if (auto sample = readSample(target.admin, kReadingTimeout)) samples[sample->addr] = *sample;
  return samples;
}

void ServerReadings::add(const ServerSample& sample) {
  const std::lock_guard lock(mutex_);
  servers_[sample.addr].add(sample);
}

std::vector<ServerFigures> ServerReadings::figuresOf(const std::vector<Target>& targets,
                                                     const ServerSamples& before,
                                                     const ServerSamples& after,
                                                     double steal) const {
  const std::lock_guard lock(mutex_);
  static const ServerHistory kNone;
  std::vector<ServerFigures> all;
  for (const Target& target : targets) {
    const std::string addr = target.admin.endpoint().text();
    const auto known = servers_.find(addr);
    const ServerHistory& history = known == servers_.end() ? kNone : known->second;
    const auto first = readingOf(addr, before, history.first());
    auto last = readingOf(addr, after, history.last());
    if (!first || !last) continue;
    if (history.last()) last->role = history.last()->role;
    all.push_back(history.figures(*first, *last, steal));
  }
  return all;
}

}  // namespace redline
