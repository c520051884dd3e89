#include "report/lab_blame.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "report/blame.h"
#include "report/blame_table.h"
#include "report/lab_document.h"
#include "report/pictures.h"
#include "report/text.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

/// More was offered than the server can do: it waits by design.
bool isOverload(const RunData& run) {
  constexpr double kKept = 0.97;
  return run.figures.rate.achieved < kKept * run.figures.rate.target;
}

/// The waiting of the measured window; what a drain still has to answer is not more of it.
double measuredWaiting(const RunData& run, Blame blame) {
  std::erase_if(blame.stretches, [&](const SlowStretch& stretch) {
    return std::ranges::any_of(run.aside, [&](const Span& aside) {
      return stretch.at.start >= aside.start && stretch.at.start < aside.end;
    });
  });
  return excessOf(blame).all();
}

/// Takes the runs of one experiment one by one; only the worst is kept.
class Search {
 public:
  void look(const RunRecord& record, const fs::path& directory) {
    auto runs = readRuns({directory.string()});
    if (!runs || runs->front().closed()) return;
    RunData& run = runs->front();
    const Blame blame = blameOf(run);
    if (!blame.judged) return;
    const Excess excess = excessOf(blame);
    ++judged_;
    measuredS_ += blame.measuredS;
    all_.add(excess);
    if (blame.stretches.empty()) return;
    ++slow_;
    for (const SlowStretch& stretch : blame.stretches)
      byCulprit_[stretch.culprit] += stretch.at.length();
    names_.push_back(record.name);
    const double waiting = measuredWaiting(run, blame);
    if (isOverload(run) || waiting <= worstExcess_) return;
    worstExcess_ = waiting;
    worst_ = std::move(run);
    worstName_ = record.name;
  }

  std::optional<LabBlame> result(std::string_view experiment) {
    if (judged_ == 0) return std::nullopt;
    LabBlame blame;
    blame.finding = {"blame",    Standing::plain,
                     sentence(), "each run's intervals: means of service, lateness and dispatch",
                     false,      names_};
    if (worst_) show(experiment, blame);
    return blame;
  }

 private:
  std::string sentence() const {
    if (slow_ == 0) return fmt::format("None of {} open-model runs had a slow interval", judged_);
    std::string text =
        fmt::format("Slow intervals in {} of {} open-model runs, {:.1f} s of {:.1f} s", slow_,
                    judged_, all_.slowS, measuredS_);
    if (all_.all() <= 0) return text;
    return text + fmt::format(". {}. Causes: {}", excessText(all_), causes());
  }

  /// "server, and the queue behind it 12.1 s; generator 0.4 s", the longest first.
  std::string causes() const {
    std::vector<std::pair<double, Culprit>> longest;
    std::ranges::transform(byCulprit_, std::back_inserter(longest),
                           [](const auto& each) { return std::pair(each.second, each.first); });
    std::ranges::sort(longest, std::greater{});
    std::vector<std::string> parts;
    std::ranges::transform(longest, std::back_inserter(parts), [](const auto& each) {
      return fmt::format("{} {:.1f} s", culpritName(each.second), each.first);
    });
    return fmt::format("{}", fmt::join(parts, "; "));
  }

  void show(std::string_view experiment, LabBlame& blame) {
    worst_->slug = fmt::format("{}-{}", experiment, worstName_);
    blame.picture = blameOverTime(*worst_);
    blame.picture.title =
        fmt::format("Where slow operations waited: {}, the run with the most waiting", worstName_);
    blame.table = blameTable(*worst_, blameOf(*worst_));
    blame.table.title = fmt::format("Slow stretches of {} and their causes", worstName_);
    for (Table::Row& row : blame.table.rows) row.runs = runLinks(experiment, {worstName_});
  }

  std::size_t judged_ = 0, slow_ = 0;
  double measuredS_ = 0, worstExcess_ = 0;
  Excess all_;
  std::map<Culprit, double> byCulprit_;  ///< seconds
  std::vector<std::string> names_;
  std::optional<RunData> worst_;
  std::string worstName_;
};

}  // namespace

std::map<std::string, LabBlame> blameOfLab(const fs::path& lab,
                                           const std::vector<ExperimentDocument>& experiments) {
  std::map<std::string, LabBlame> all;
  std::error_code none;
  for (const ExperimentDocument& experiment : experiments) {
    const fs::path home = fs::exists(lab / kExperimentFile, none) ? lab : lab / experiment.name;
    Search search;
    for (const RunRecord& record : experiment.runs)
      for (const std::string& directory : record.directories)
        if (fs::exists(home / directory / "intervals.csv", none))
          search.look(record, home / directory);
    if (auto blame = search.result(experiment.name))
      all.emplace(experiment.name, std::move(*blame));
  }
  return all;
}

}  // namespace redline
