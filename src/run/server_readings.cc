#include "run/server_readings.h"

#include "record/server_figures.h"
#include "server/sampler.h"

namespace redline {
namespace {

constexpr Nanos kReadingTimeout = 500 * kMillisecond;

const ServerSample* find(const std::string& addr, const ServerSamples& at,
                         const ServerSamples& otherwise) {
  for (const ServerSamples* const samples : {&at, &otherwise})
    if (const auto found = samples->find(addr); found != samples->end()) return &found->second;
  return nullptr;
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
  first_.emplace(sample.addr, sample);
  last_.insert_or_assign(sample.addr, sample);
}

std::vector<ServerFigures> ServerReadings::figuresOf(const std::vector<Target>& targets,
                                                     const ServerSamples& before,
                                                     const ServerSamples& after,
                                                     double steal) const {
  const std::lock_guard lock(mutex_);
  std::vector<ServerFigures> all;
  for (const Target& target : targets) {
    const std::string addr = target.admin.endpoint().text();
    const ServerSample* const first = find(addr, before, first_);
    const ServerSample* const last = find(addr, after, last_);
    if (first == nullptr || last == nullptr) continue;
    all.push_back(serverFigures(*first, *last, steal));
  }
  return all;
}

}  // namespace redline
