#include "lab/lab_dir.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "record/reason.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kJournalFile = "runs.jsonl";

Result<std::vector<RunRecord>> readJournal(const fs::path& path) {
  std::vector<RunRecord> records;
  std::error_code none;
  if (!fs::exists(path, none)) return records;
  const auto text = readWholeFile(path);
  if (!text) return fail(text.error());
  std::size_t number = 0;
  for (std::size_t from = 0; from < text->size();) {
    const std::size_t end = text->find('\n', from);
    if (end == std::string::npos) break;  // torn by a crash: that run counts as not made
    auto record = runRecordFromJson(std::string_view(*text).substr(from, end - from),
                                    fmt::format("{}:{}", path.native(), ++number));
    if (!record) return fail(record.error());
    records.push_back(std::move(*record));
    from = end + 1;
  }
  return records;
}

/// Of single intervals only the response times and the generator's own lateness are kept, packed,
/// for experiments about spikes: a lab has hundreds of runs.
void slim(RunDir& run) {
  std::erase_if(run.latency.lines, [](const LoggedHistogram& line) {
    return line.tag != "response" && line.tag != "dispatch";
  });
  std::erase_if(run.latency.merged, [](const auto& tagged) {
    return tagged.first != "response" && tagged.first != "service";
  });
}

}  // namespace

Result<LabDir> LabDir::open(fs::path path, bool resume) {
  if (auto made = createDirectory(path); !made) return fail(made.error());
  auto claim = claimDirectory(path);
  if (!claim) return fail(std::move(claim.error()));
  std::error_code none;
  if (!resume && !fs::is_empty(path, none))
    return fail(
        ErrorCode::usage,
        "{} has results already: -resume keeps them and makes the rest, another -out starts anew",
        path.native());
  auto records = readJournal(path / kJournalFile);
  if (!records) return fail(records.error());
  // Written anew without what a crash tore, so that the next line does not continue it.
  std::string whole;
  for (const RunRecord& record : *records) whole += runRecordToJson(record) + "\n";
  if (auto written = writeWholeFile(path / kJournalFile, whole); !written)
    return fail(written.error());
  auto journal = AppendFile::open(path / kJournalFile);
  if (!journal) return fail(journal.error());
  return LabDir(std::move(path), std::move(*claim), std::move(*records), std::move(*journal));
}

const RunRecord* LabDir::finished(std::string_view run) const {
  for (const RunRecord& record : records_ | std::views::reverse)
    if (record.name == run) {
      const bool again = record.state == RunState::failed || allPassing(record.invalid);
      return again ? nullptr : &record;
    }
  return nullptr;
}

Status LabDir::append(const RunRecord& record) {
  records_.push_back(record);
  return journal_->append(runRecordToJson(record) + "\n");
}

Status LabDir::write(const ExperimentDocument& document) const {
  return writeWholeFile(path_ / kExperimentFile, experimentToJson(document));
}

Result<std::optional<ExperimentDocument>> LabDir::document() const {
  const fs::path file = path_ / kExperimentFile;
  std::error_code none;
  if (!fs::exists(file, none)) return std::nullopt;
  const auto text = readWholeFile(file);
  if (!text) return fail(text.error());
  auto document = experimentFromJson(*text, file.native());
  if (!document) return fail(document.error());
  return std::optional(std::move(*document));
}

Status LabDir::clear(std::string_view run) const {
  std::error_code problem;
  fs::remove_all(path_ / run, problem);
  if (problem)
    return fail(ErrorCode::io, "cannot clear away {}: {}", (path_ / run).native(),
                problem.message());
  return {};
}

Reading LabDir::read(RunRecord record) const {
  Reading reading;
  for (const std::string& directory : record.directories) {
    auto run = readRunDir(path_ / directory);
    if (!run) continue;
    slim(*run);
    reading.dirs.push_back(std::move(*run));
  }
  reading.record = std::move(record);
  return reading;
}

}  // namespace redline
