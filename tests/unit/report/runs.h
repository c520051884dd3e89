#pragma once

#include <algorithm>
#include <string_view>

#include "report/findings.h"
#include "report/report_data.h"

namespace redline {

/// Figures whose percentiles all lie near `us`.
inline LatencyFigures around(double us, std::uint64_t count = 100'000) {
  LatencyFigures figures;
  figures.count = count;
  figures.mean = us / 2;
  figures.p50 = us / 2;
  figures.p90 = us * 0.8;
  figures.p99 = us;
  figures.p999 = us * 1.5;
  figures.p9999 = us * 2;
  figures.max = us * 3;
  return figures;
}

/// An open-model run in which all went well: 10 s at 10,000 operations/s, one server.
inline RunData soundRun() {
  RunData run;
  run.name = run.slug = "sound";
  Summary& figures = run.figures;
  figures.command = {"redline", "driver", "-rate=10k"};
  figures.config = {{"rate", "10k"}, {"conns", "50"}, {"pipeline", "0"}};
  figures.windowS = 10;
  figures.rate.target = 10'000;
  figures.rate.achieved = 10'000;
  figures.rate.scheduled = figures.rate.sent = figures.rate.completed = 100'000;
  figures.latency["response"]["all"] = around(210);
  figures.latency["service"]["all"] = around(200);
  figures.latency["lateness"]["all"] = around(15);
  figures.latency["dispatch"]["all"] = around(12);
  figures.cache.hits = 90'000;
  figures.cache.hitRate = 1;
  figures.verify.checked = 90'000;
  figures.generator.threads = 1;
  figures.generator.utilisation = 0.2;
  figures.generator.longestPassUs = 30;
  figures.generator.meanBatch = 1;
  ServerFigures server;
  server.addr = "127.0.0.1:7600";
  server.role = "master";
  server.mainThreadUtilisation = 0.4;
  server.usedMemory = 1'000'000'000;
  server.usedMemoryRss = 1'050'000'000;
  server.fragmentation = 1.05;
  figures.servers.push_back(server);
  run.whole = {0, 10};
  for (int i = 0; i < 10; ++i) {
    LatencyPoint latency;
    latency.at = {double(i), double(i + 1)};
    latency.p50 = 100;
    latency.p99 = 210;
    latency.p999 = 300;
    latency.max = 400;
    run.latency.push_back(latency);
    LoadPoint load;
    load.at = latency.at;
    load.due = load.completed = 10'000;
    load.hitRate = 1.0;
    run.load.push_back(load);
  }
  return run;
}

inline const Finding* find(const std::vector<Finding>& findings, std::string_view rule) {
  const auto found = std::ranges::find(findings, rule, &Finding::rule);
  return found == findings.end() ? nullptr : &*found;
}

inline Event eventAt(double seconds, std::string_view kind, std::string_view name,
                     Nanos duration = 0, std::string_view phase = "point") {
  Event event;
  event.at = static_cast<Nanos>(seconds * 1e9);
  event.kind = kind;
  event.name = name;
  event.phase = phase;
  event.duration = duration;
  return event;
}

inline ServerSample sampleAt(double seconds, std::map<std::string, std::string, std::less<>> info) {
  ServerSample sample;
  sample.at = static_cast<Nanos>(seconds * 1e9);
  sample.addr = "127.0.0.1:7600";
  sample.role = "master";
  sample.info = std::move(info);
  return sample;
}

}  // namespace redline
