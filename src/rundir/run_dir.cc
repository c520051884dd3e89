#include "rundir/run_dir.h"

#include <fmt/chrono.h>

#include <utility>

#include "base/affinity.h"
#include "rundir/csv.h"
#include "rundir/event_json.h"
#include "rundir/hlog.h"
#include "rundir/interval_csv.h"
#include "rundir/server_csv.h"
#include "rundir/summary_json.h"

namespace redline {
namespace {

const Histogram& merge(const std::array<Histogram, kOpKinds>& kinds, Histogram& all) {
  all.reset();
  for (const auto& histogram : kinds) all.add(histogram);
  return all;
}

/// The log's lines for one interval. Warm-up is measured too, but under tags of its own, so that
/// adding up the tag `response` gives the run's figures.
std::string hlogLines(const Interval& interval, Nanos zero, Histogram& scratch) {
  const std::string prefix = interval.warmup ? "warmup-" : "";
  const Nanos start = interval.start - zero;
  const Nanos end = interval.end - zero;
  std::string lines;
  for (std::size_t measure = 0; measure < kMeasures; ++measure) {
    lines += hlogLine(prefix + std::string(kMeasureNames[measure]), start, end,
                      merge(interval.latency[measure], scratch));
    yieldCore();
  }
  if (interval.failed.count() != 0)
    lines += hlogLine(prefix + "failed", start, end, interval.failed);
  if (merge(interval.unfinished, scratch).count() != 0)
    lines += hlogLine(prefix + "unfinished", start, end, scratch);
  if (!interval.store) return lines;
  const StoreLatency& store = *interval.store;
  for (const auto& [tag, histogram] : {std::pair{"store-read", &store.read},
                                       {"store-write", &store.write},
                                       {"store-service", &store.service},
                                       {"stale-refill-age", &store.staleRefillAge}})
    if (histogram->count() != 0) lines += hlogLine(prefix + tag, start, end, *histogram);
  return lines;
}

/// Created where it was missing, empty, and nobody else's.
Result<Fd> claimEmptyDirectory(const std::filesystem::path& path) {
  if (path.empty())
    return fail(ErrorCode::usage, "the run directory's path is empty; give -out=DIR");
  if (auto created = createDirectory(path); !created) return fail(std::move(created.error()));
  auto claim = claimDirectory(path);
  if (!claim) return claim;
  std::error_code error;
  const bool empty = std::filesystem::is_empty(path, error);
  if (error)
    return fail(ErrorCode::io, "cannot read the directory {}: {}", path.native(), error.message());
  if (!empty)
    return fail(
        ErrorCode::usage,
        "{} is not empty: a run directory holds one run; name a new one (-out) or remove it",
        path.native());
  return claim;
}

}  // namespace

Result<std::filesystem::path> createRunDirectory(std::string_view command, std::time_t now,
                                                 const std::filesystem::path& parent) {
  if (auto created = createDirectory(parent); !created) return fail(std::move(created.error()));
  const std::string name = fmt::format("{:%Y%m%dT%H%M%SZ}-{}", fmt::gmtime(now), command);
  std::filesystem::path path = parent / name;
  std::error_code error;
  for (int next = 2; !std::filesystem::create_directory(path, error) && !error; ++next)
    path = parent / fmt::format("{}-{}", name, next);
  if (error)
    return fail(ErrorCode::io, "cannot create the directory {}: {}", path.native(),
                error.message());
  return path;
}

Result<RunDirWriter> RunDirWriter::create(const std::filesystem::path& path) {
  auto claim = claimEmptyDirectory(path);
  if (!claim) return fail(std::move(claim.error()));
  return RunDirWriter(path, std::move(*claim));
}

Status RunDirWriter::start(std::unique_ptr<AppendFile>& to, std::string_view name,
                           std::string_view header) {
  auto opened = AppendFile::create(file(name));
  if (!opened) return fail(opened.error());
  to = std::move(*opened);
  return to->append(header);
}

Status RunDirWriter::writePlan(const Plan& plan) {
  clockZero_ = plan.clockZero;
  if (auto done = writeWholeFile(file(kPlanFile), planToJson(plan)); !done) return done;
  if (auto done = start(intervals_, kIntervalsFile, intervalCsvHeader()); !done) return done;
  if (auto done = start(latency_, kLatencyFile, hlogHeader(plan.wallZero)); !done) return done;
  if (auto done = start(servers_, kServersFile, serverCsvHeader()); !done) return done;
  return start(events_, kEventsFile, "");
}

Status RunDirWriter::append(const std::unique_ptr<AppendFile>& to, std::string_view text) const {
  if (!to)
    return fail(ErrorCode::io, "nothing can be written to {} before its {}", path_.native(),
                kPlanFile);
  return to->append(text);
}

Status RunDirWriter::appendInterval(const Interval& interval) {
  const Status rows = append(intervals_, intervalCsvLines(interval, clockZero_));
  yieldCore();
  const Status log = append(latency_, hlogLines(interval, clockZero_, merged_));
  return rows ? log : rows;
}

Status RunDirWriter::appendServerSample(const ServerSample& sample) {
  return append(servers_, serverCsvLine(sample, clockZero_));
}

Status RunDirWriter::appendEvent(const Event& event) {
  return append(events_, eventToJsonLine(event, clockZero_));
}

Status RunDirWriter::writeSlots(std::span<const HotSlotFigures> slots) const {
  CsvLine header;
  header.add("slot").add("node").add("ops");
  std::string text = std::move(header).take();
  for (const HotSlotFigures& slot : slots) {
    CsvLine line;
    line.add(std::uint64_t{slot.slot}).add(slot.node).add(slot.ops);
    text += std::move(line).take();
  }
  return writeWholeFile(file(kSlotsFile), text);
}

Status RunDirWriter::writeSummary(const Summary& summary) {
  const std::string text = summaryToJson(summary);
  const Status written = writeWholeFile(file(kSummaryFile), text);
  return written || spare_.writeAs(file(kSummaryFile), text) ? Status() : written;
}

Result<std::filesystem::path> RunDirWriter::serverDirectory(std::string_view node) const {
  if (node.empty() || node.find('/') != std::string_view::npos || node.starts_with('.'))
    return fail(ErrorCode::invalidInput, "\"{}\" cannot be the name of a node's directory", node);
  const auto directory = path_ / kServersDirectory / node;
  if (auto created = createDirectory(directory); !created) return fail(created.error());
  return directory;
}

}  // namespace redline
