#include "rundir/run_dir_reader.h"

#include <fmt/format.h>

#include "os/files.h"
#include "rundir/event_json.h"
#include "rundir/run_dir.h"
#include "rundir/server_csv.h"
#include "rundir/summary_json.h"

namespace redline {
namespace {

namespace fs = std::filesystem;

/// Reads the files of one directory, each by its own parser.
class DirReading {
 public:
  explicit DirReading(RunDir& run) : run_(run) {}

  /// A file of records: parse(text, name, warnings) gives what becomes `to`.
  template <typename T, typename Parse>
  Status lines(std::string_view file, T& to, Parse&& parse) {
    return open(file, [&](const std::string& text, const std::string& name) -> Status {
      if (text.empty() && file != kEventsFile) run_.warnings.push_back(name + " is empty");
      auto parsed = parse(text, name, run_.warnings);
      if (!parsed) return fail(parsed.error());
      to = std::move(*parsed);
      return {};
    });
  }

  /// A file that is one JSON document; one that ends too early counts as missing.
  template <typename T, typename Parse>
  Status document(std::string_view file, std::optional<T>& to, Parse&& parse) {
    return open(file, [&](const std::string& text, const std::string& name) -> Status {
      bool cutOff = false;
      auto parsed = parse(text, name, &cutOff);
      if (parsed) {
        to = std::move(*parsed);
        return {};
      }
      if (!cutOff) return fail(parsed.error());
      run_.warnings.push_back(name + " is incomplete and was left out");
      return {};
    });
  }

  bool foundAny() const noexcept { return foundAny_; }

 private:
  template <typename Use>
  Status open(std::string_view file, Use&& use) {
    const fs::path path = run_.path / file;
    std::error_code error;
    if (!fs::exists(path, error)) {
      run_.warnings.push_back(fmt::format("{} is missing", path.native()));
      return {};
    }
    const auto text = readWholeFile(path);
    if (!text) return fail(text.error());
    foundAny_ = true;
    return use(*text, path.native());
  }

  RunDir& run_;
  bool foundAny_ = false;
};

Status readAll(DirReading& reading, RunDir& run) {
  if (auto read = reading.document(kPlanFile, run.plan, planFromJson); !read) return read;
  if (auto read = reading.lines(kIntervalsFile, run.intervals, parseIntervalCsv); !read)
    return read;
  if (auto read = reading.lines(kLatencyFile, run.latency, parseHlog); !read) return read;
  if (auto read = reading.lines(kServersFile, run.servers, parseServerCsv); !read) return read;
  if (auto read = reading.lines(kEventsFile, run.events, parseEvents); !read) return read;
  return reading.document(kSummaryFile, run.summary, summaryFromJson);
}

}  // namespace

Result<RunDir> readRunDir(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return fail(ErrorCode::invalidInput,
                "{} is not a directory; give a run directory (-out of a run)", path.native());
  RunDir run;
  run.path = path;
  DirReading reading(run);
  if (auto read = readAll(reading, run); !read) return fail(read.error());
  if (!reading.foundAny())
    return fail(ErrorCode::invalidInput, "{} is not a run directory: it has no {}", path.native(),
                kPlanFile);
  return run;
}

}  // namespace redline
