#include "report/report_data.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "record/server_figures.h"
#include "rundir/partial_run.h"

namespace redline {
namespace {

double perSecond(std::uint64_t count, const Span& at) {
  return at.length() > 0 ? static_cast<double>(count) / at.length() : 0;
}

template <typename Figure>
std::uint64_t sumOf(const IntervalRow& row, Figure figure) {
  std::uint64_t sum = 0;
  for (const KindRow& kind : row.kinds) sum += kind.*figure;
  return sum;
}

/// What one interval's lines of the log hold.
struct IntervalLines {
  Span at;
  bool warmup = false;
  std::optional<Histogram> response, service, lateness, unfinished;
};

std::map<Nanos, IntervalLines> linesByInterval(const HistogramLog& log) {
  constexpr std::string_view kWarmup = "warmup-";
  std::map<Nanos, IntervalLines> intervals;
  for (const LoggedHistogram& line : log.lines) {
    std::string_view tag = line.tag;
    IntervalLines& interval = intervals[line.start];
    interval.at = {toSeconds(line.start), toSeconds(line.start + line.length)};
    interval.warmup = tag.starts_with(kWarmup);
    if (interval.warmup) tag.remove_prefix(kWarmup.size());
    const auto keep = [&](std::string_view name, std::optional<Histogram>& in) {
      if (tag != name) return;
      if (auto histogram = line.histogram()) in = std::move(*histogram);
    };
    keep("response", interval.response);
    keep("service", interval.service);
    keep("lateness", interval.lateness);
    keep("unfinished", interval.unfinished);
  }
  return intervals;
}

double p99Of(const std::optional<Histogram>& histogram) {
  return histogram ? toMicros(histogram->quantile(0.99)) : 0;
}

std::vector<LatencyPoint> latencyPoints(const HistogramLog& log) {
  std::vector<LatencyPoint> points;
  for (const auto& [start, lines] : linesByInterval(log)) {
    if (!lines.response || lines.response->count() == 0) continue;
    // What never finished is in the last interval as it had waited until then. Where it is enough
    // to move a p99, that interval's percentiles are not of operations that completed in it.
    if (lines.unfinished && lines.unfinished->count() * 100 >= lines.response->count()) continue;
    points.push_back({lines.at, lines.warmup, toMicros(lines.response->quantile(0.5)),
                      toMicros(lines.response->quantile(0.99)),
                      toMicros(lines.response->quantile(0.999)), toMicros(lines.response->max()),
                      p99Of(lines.service), p99Of(lines.lateness)});
  }
  return points;
}

LoadPoint loadPoint(const IntervalRow& row) {
  LoadPoint point;
  point.at = {toSeconds(row.start), toSeconds(row.end)};
  point.warmup = row.warmup;
  point.drain = row.drain;
  point.due = perSecond(row.counts.scheduled, point.at);
  // Work for the warm-up's stragglers is work of this interval all the same.
  point.completed = perSecond(sumOf(row, &KindRow::completed) + row.counts.carriedOver, point.at);
  point.failed = perSecond(sumOf(row, &KindRow::failed), point.at);
  point.outstanding = static_cast<double>(row.counts.outstanding);
  point.backlog = static_cast<double>(row.counts.backlog);
  if (const std::uint64_t reads = row.counts.hits + row.counts.misses; reads != 0)
    point.hitRate = static_cast<double>(row.counts.hits) / static_cast<double>(reads);
  return point;
}

double mainThreadSeconds(const ServerSample& sample) {
  return sample.number("used_cpu_user_main_thread") + sample.number("used_cpu_sys_main_thread");
}

std::vector<ServerSeries> serverSeries(const std::vector<ServerSample>& samples) {
  std::vector<ServerSeries> all;
  std::map<std::string, const ServerSample*> before;
  for (const ServerSample& sample : samples) {
    auto series = std::ranges::find(all, sample.addr, &ServerSeries::addr);
    if (series == all.end()) {
      ServerSeries fresh;
      fresh.addr = sample.addr;
      series = all.insert(all.end(), std::move(fresh));
    }
    ServerPoint point;
    point.at = toSeconds(sample.at);
    point.usedMemory = sample.number("used_memory");
    point.rss = sample.number("used_memory_rss");
    const ServerSample*& last = before[sample.addr];
    if (last != nullptr && sample.at > last->at) {
      const double spent = mainThreadSeconds(sample) - mainThreadSeconds(*last);
      // A restarted server counts from zero again; INFO's clock ticks may add a hair above 1.
      if (spent >= 0 && !isRestart(*last, sample))
        point.busy = std::min(1.0, spent / toSeconds(sample.at - last->at));
    }
    last = &sample;
    series->maxMemory = sample.number("maxmemory", series->maxMemory);
    series->points.push_back(point);
  }
  return all;
}

std::vector<Bracket> bracketsOf(const std::vector<Event>& events, double end) {
  std::vector<Bracket> brackets;
  for (const Event& event : events) {
    if (event.kind != "fault" && event.kind != "connection") continue;
    const double at = toSeconds(event.at);
    if (event.phase == "end") {
      const auto open = std::ranges::find_if(brackets, [&](const Bracket& b) {
        return b.open && b.kind == event.kind && b.name == event.name && b.node == event.node;
      });
      if (open == brackets.end()) continue;
      open->at.end = at;
      open->open = false;
    } else {
      const bool point = event.phase == "point";
      const double until = point ? at + toSeconds(event.duration) : std::max(at, end);
      brackets.push_back({{at, until}, event.kind, event.name, event.node, !point});
    }
  }
  return brackets;
}

/// Neighbouring intervals of one mark as one span.
std::vector<Span> spansAside(const std::vector<LoadPoint>& load) {
  std::vector<Span> spans;
  for (const LoadPoint& point : load) {
    if (!point.warmup && !point.drain) continue;
    if (!spans.empty() && spans.back().end >= point.at.start - 1e-6)
      spans.back().end = point.at.end;
    else
      spans.push_back(point.at);
  }
  return spans;
}

std::string flagIn(const std::vector<std::pair<std::string, std::string>>& config,
                   std::string_view name) {
  const auto found = std::ranges::find(config, name, &std::pair<std::string, std::string>::first);
  return found == config.end() ? std::string{} : found->second;
}

std::string slugOf(std::string_view name) {
  std::string slug;
  for (const char c : name) {
    const auto letter = static_cast<unsigned char>(c);
    if (letter < 0x80 && std::isalnum(letter) != 0)
      slug += static_cast<char>(std::tolower(letter));
    else if (!slug.empty() && slug.back() != '-')
      slug += '-';
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "run" : slug;
}

std::string nameOf(const std::filesystem::path& path) {
  std::error_code failed;
  const auto whole = std::filesystem::weakly_canonical(path, failed);
  const std::string name = (failed ? path : whole).filename().string();
  return name.empty() ? path.string() : name;
}

}  // namespace

const LatencyFigures& RunData::latencyOf(std::string_view measure, std::string_view kind) const {
  static const LatencyFigures kNone;
  const auto found = figures.latency.find(std::string(measure));
  if (found == figures.latency.end()) return kNone;
  const auto figure = found->second.find(std::string(kind));
  return figure == found->second.end() ? kNone : figure->second;
}

std::string RunData::flag(std::string_view flagName) const {
  return flagIn(figures.config, flagName);
}

RunData prepareRun(RunDir dir) {
  RunData run;
  run.name = nameOf(dir.path);
  run.slug = slugOf(run.name);
  run.dir = std::move(dir);
  run.latency = latencyPoints(run.dir.latency);
  for (const IntervalRow& row : run.dir.intervals) run.load.push_back(loadPoint(row));
  if (!run.load.empty()) run.whole = {run.load.front().at.start, run.load.back().at.end};
  run.aside = spansAside(run.load);
  run.servers = serverSeries(run.dir.servers);
  run.brackets = bracketsOf(run.dir.events, run.whole.end);
  run.ended = run.dir.summary.has_value();
  run.figures = run.ended ? *run.dir.summary : summarizePartialRun(run.dir);
  return run;
}

Result<std::vector<RunData>> readRuns(const std::vector<std::string>& paths) {
  std::vector<RunData> runs;
  std::set<std::filesystem::path> seen;
  std::map<std::string, int> slugs;
  for (const std::string& path : paths) {
    std::error_code failed;
    if (!seen.insert(std::filesystem::weakly_canonical(path, failed)).second)
      return fail(ErrorCode::usage, "{} is named twice", path);
    auto dir = readRunDir(path);
    if (!dir) return fail(dir.error());
    runs.push_back(prepareRun(std::move(*dir)));
    RunData& run = runs.back();
    while (++slugs[run.slug] > 1) run.slug += "-" + std::to_string(slugs[run.slug]);
  }
  // Runs in directories of one name (a/run, b/run) are told apart by their whole path.
  std::map<std::string, int> names;
  for (const RunData& run : runs) ++names[run.name];
  for (RunData& run : runs)
    if (names[run.name] > 1) run.name = run.dir.path.string();
  return runs;
}

}  // namespace redline
