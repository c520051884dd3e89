#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/experiment.h"
#include "rundir/hlog.h"

namespace redline {

/// A run of a lab as its directory would be read, with figures of the test's choice: a window of
/// intervals of 100 ms.
class ReadingBuilder {
 public:
  static constexpr Nanos kInterval = 100 * kMillisecond;
  using OfInterval = std::function<Nanos(int)>;

  /// `startS`: of the window, on the run's clock.
  explicit ReadingBuilder(Labels labels, int repeat = 1, int intervals = 30, double startS = 0)
      : intervals_(intervals), start_(static_cast<Nanos>(startS * 1e9)) {
    for (const auto& [factor, level] : labels) reading_.record.name += level + "-";
    reading_.record.name += "r" + std::to_string(repeat);
    reading_.record.labels = std::move(labels);
    reading_.record.labels.emplace_back("repeat", std::to_string(repeat));
    dir().summary.emplace();
    for (int i = 0; i < intervals_; ++i) {
      IntervalRow row;
      row.start = startOf(i);
      row.end = row.start + kInterval;
      dir().intervals.push_back(row);
    }
  }

  /// All of an interval's operations took that long; none where it is 0. `measure`: "response",
  /// "dispatch".
  ReadingBuilder& series(std::string_view measure, const OfInterval& latency) {
    for (int i = 0; i < intervals_; ++i) {
      const Nanos took = latency(i);
      if (took != 0)
        dir().latency.lines.push_back(
            {std::string(measure), startOf(i), kInterval, packedHistogramOf(took)});
    }
    return *this;
  }
  ReadingBuilder& response(const OfInterval& latency) { return series("response", latency); }
  ReadingBuilder& dispatch(const OfInterval& latency) { return series("dispatch", latency); }

  /// What interval `i` counted.
  ReadingBuilder& counts(const std::function<void(int i, IntervalRow&)>& fill) {
    for (int i = 0; i < intervals_; ++i) fill(i, dir().intervals[static_cast<std::size_t>(i)]);
    return *this;
  }
  /// A field of INFO at the start of each interval.
  ReadingBuilder& sampled(const std::string& field, const std::function<double(int)>& value) {
    if (dir().servers.empty()) dir().servers.resize(static_cast<std::size_t>(intervals_));
    for (int i = 0; i < intervals_; ++i) {
      ServerSample& sample = dir().servers[static_cast<std::size_t>(i)];
      sample.at = startOf(i);
      sample.info[field] = std::to_string(value(i));
    }
    return *this;
  }
  /// Of the PING probe.
  ReadingBuilder& stall(double atS, Nanos duration) {
    Event& event = dir().events.emplace_back();
    event.at = static_cast<Nanos>(atS * 1e9);
    event.kind = "stall";
    event.duration = duration;
    return *this;
  }
  ReadingBuilder& fault(const std::string& name, double beginS, double endS,
                        std::vector<std::pair<std::string, double>> figures) {
    dir().summary->faults.push_back({name, "", "", beginS, endS, "", std::move(figures)});
    return *this;
  }
  /// That an action wrote down.
  ReadingBuilder& figure(std::string_view name, double value) {
    reading_.record.figures.emplace_back(std::string(name), value);
    return *this;
  }
  ReadingBuilder& note(std::string_view name, std::string_view text) {
    reading_.record.notes.emplace_back(std::string(name), std::string(text));
    return *this;
  }
  ReadingBuilder& invalid(std::string why) {
    reading_.record.invalid.push_back({ReasonCode::other, std::move(why)});
    return *this;
  }
  Summary& summary() { return *dir().summary; }
  Plan& plan() { return dir().plan ? *dir().plan : dir().plan.emplace(); }

  Reading build() const { return reading_; }

 private:
  /// Of 100 operations that took that long. Kept: packing one takes long, and most intervals of a
  /// test are alike.
  static const std::string& packedHistogramOf(Nanos took) {
    static std::map<Nanos, std::string> known;
    std::string& packed = known[took];
    if (packed.empty()) {
      Histogram histogram;
      histogram.record(took, 100);
      packed = encodeCompressed(histogram);
    }
    return packed;
  }
  Nanos startOf(int interval) const { return start_ + interval * kInterval; }
  RunDir& dir() {
    if (reading_.dirs.empty()) reading_.dirs.emplace_back();
    return reading_.dirs.front();
  }

  int intervals_;
  Nanos start_;
  Reading reading_;
};

/// The finding of that id; one without an id where there is none.
inline LabFinding findingOf(const ExperimentDocument& document, std::string_view id) {
  for (const LabFinding& finding : document.findings)
    if (finding.id == id) return finding;
  return {};
}
/// Not a number where there is none.
inline double figureOf(const ExperimentDocument& document, std::string_view what) {
  for (const LabFigure& figure : document.figures)
    if (figure.what == what) return figure.value;
  return kNaN;
}
/// By its title's beginning, the first cell of its row, and its head; "" where there is none.
inline std::string cellOf(const ExperimentDocument& document, std::string_view title,
                          std::string_view row, std::string_view head) {
  for (const LabTable& table : document.tables) {
    if (!table.title.starts_with(title)) continue;
    for (const LabTable::Row& each : table.rows)
      for (std::size_t i = 0; i < table.head.size(); ++i)
        if (each.cells.front().text == row && table.head[i] == head) {
          const LabCell& cell = each.cells[i];
          return cell.range.empty() ? cell.text : cell.text + " " + cell.range;
        }
  }
  return {};
}

}  // namespace redline
