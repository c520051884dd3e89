#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/result.h"
#include "record/summary.h"

namespace redline {

// experiment.json: what an experiment of the lab found, as data that `redline report` renders
// without knowing the experiment. Texts are plain and for people; writers escape them. Everything
// is computed from run directories.

inline constexpr std::string_view kExperimentFile = "experiment.json";

/// A run's figure: the share of the server's core that other processes had while its drives went
/// on.
inline constexpr const char* kOthersOnServerCore = "others_on_server_core_share";

/// A run's figure: the share of its intervals that were disturbed, or followed a disturbed one; of
/// a run without a witness there is none.
inline constexpr const char* kLostShare = "core_lost_share";

/// How one run of an experiment ended.
enum class RunState {
  done,     ///< to its end; the summary says whether it is valid
  failed,   ///< an error, in `reason`; what was measured is kept
  skipped,  ///< it was not needed: its own plan said so
};

/// One run of an experiment: what it was, where its directories are, what reproduces it.
struct RunRecord {
  std::string name;  ///< unique in its experiment; also its directory
  /// What it stands for: {"batch", "16"}, {"repeat", "2"}.
  std::vector<std::pair<std::string, std::string>> labels;
  RunState state = RunState::done;
  std::string reason;                    ///< why it failed or was skipped
  Reasons invalid;                       ///< why its drives are invalid
  std::vector<std::string> directories;  ///< of its drives, below the experiment's directory
  std::vector<std::string> commands;     ///< shell lines that do the same by hand, in order
  /// What its actions measured beside the run, by name. Numbers in the unit that the name ends in.
  std::vector<std::pair<std::string, double>> figures;
  std::vector<std::pair<std::string, std::string>> notes;
  Nanos wallStart = 0;  ///< since 1970
  double durationS = 0;

  /// A label's value; empty when it has none of that name.
  std::string_view label(std::string_view name) const;
  /// A figure; `otherwise` when there is none of that name.
  double figure(std::string_view name, double otherwise = kNaN) const;
  std::string_view note(std::string_view name) const;
};

/// A text, with its interval beside it where it has one.
struct LabCell {
  std::string text;
  std::string range;  ///< "[116k – 121k]"; may be empty

  LabCell(std::string t) : text(std::move(t)) {}  // NOLINT(google-explicit-constructor): a text
  LabCell(std::string_view t) : text(t) {}        // NOLINT(google-explicit-constructor)
  LabCell(const char* t) : text(t) {}             // NOLINT(google-explicit-constructor)
  static LabCell of(std::string text, std::string range);
};

/// First column left, the others right-aligned unless `prose`.
struct LabTable {
  struct Row {
    std::vector<LabCell> cells;
    std::vector<std::string> runs;  ///< the runs whose figures these are, by name
  };
  std::string title;
  std::vector<std::string> head;
  std::vector<Row> rows;
  std::string note;  ///< under the table; may be empty
  bool prose = false;
};

enum class AxisKind {
  linear,    ///< as the data has it
  count,     ///< from 0; "5k", "1.2M"
  share,     ///< 0…1, printed as a percentage
  latency,   ///< microseconds, logarithmic
  logCount,  ///< logarithmic; "5k", "1.2M"
  names,     ///< x = 0, 1, 2 … stand for `names`
};

struct LabAxis {
  std::string title;
  AxisKind kind = AxisKind::linear;
  std::vector<std::string> names;  ///< for AxisKind::names
};

/// low and high: the interval around y; NaN where there is none. A point whose y is NaN breaks its
/// line.
struct LabPoint {
  double x = 0, y = 0;
  double low = kNaN, high = kNaN;
};

struct LabSeries {
  std::string title;
  std::vector<LabPoint> points;
  bool dashed = false;  ///< a model, a limit: what was not measured
  bool line = true;     ///< false: points alone
  bool markers = true;  ///< a symbol at each point
  bool bars = false;    ///< a bar from each point's `low`, or from 0, to its y: stacked
  bool band = false;    ///< the area between the points' `low` and `high`, behind the next series
  bool heat = false;    ///< a cell from each point's x on and from `low` to `high`: y is how much
  double width = 0;     ///< of bars and cells, on the x axis; 0: a bar of a name
};

/// A stretch of the x axis with a name: a fault, a phase.
struct LabSpan {
  double from = 0, to = 0;
  std::string title;
};

/// A vertical line with a name: a knee, a cliff.
struct LabMark {
  double x = 0;
  std::string title;
};

struct LabPlot {
  std::string id;  ///< [a-z0-9-], unique in its experiment
  std::string title;
  std::string description;  ///< what is drawn and how to read it
  LabAxis x, y;
  std::vector<LabSeries> series;
  std::vector<LabSpan> spans;
  std::vector<LabMark> marks;
  bool isMain = false;  ///< the experiment's picture; where no plot is, the first is
};

/// How a finding stands.
enum class Standing {
  plain,         ///< a figure in words
  expected,      ///< as the textbook, or the model, has it
  contradicts,   ///< not as the textbook, or the model, has it
  inconclusive,  ///< the intervals overlap: the measurement does not decide it
  problem,       ///< must be said before figures are quoted
};

struct LabFinding {
  std::string id;  ///< [a-z0-9-], unique in its experiment and the same in every repeat; empty in
                   ///< older files
  Standing standing = Standing::plain;
  std::string text;       ///< a sentence without its full stop
  std::string from;       ///< the figures and the rule that it is computed from
  bool headline = false;  ///< belongs on the report's first page
  std::vector<std::string> runs;
};

enum class SloVerdict {
  met,
  missed,
  reported,      ///< the target is to find and explain it, and that is done
  inconclusive,  ///< the interval holds the target
  invalid,       ///< measured in invalid runs only
};

/// The result for one row of the brief's table (record/slo.h).
struct SloOutcome {
  std::string id;        ///< of kSloRows
  std::string measured;  ///< "118k/s [116k, 121k]; bound: Redis's main thread"
  SloVerdict verdict = SloVerdict::reported;
  std::string detail;  ///< conditions that it holds for
  std::vector<std::string> runs;
  /// The same of intervals in which server and generator had their cores (docs/method.md); where
  /// `availableMeasured` is empty there is no such figure, and no such verdict.
  std::string availableMeasured = {};
  SloVerdict availableVerdict = SloVerdict::reported;
};

/// One of the few figures that the experiment is about, for comparing repeats of all of it.
struct LabFigure {
  std::string what;  ///< "ceiling of GET 100 B, per command": the same in every repeat
  std::string unit;  ///< as in LabPrediction
  double value = kNaN;
  double low = kNaN, high = kNaN;  ///< the interval; not a number where there is none
};

/// What a model predicted before the run, and what was measured.
struct LabPrediction {
  std::string what;                ///< "p99 at 0.8 of the ceiling"
  std::string model;               ///< "M/D/1 waiting time; a lower bound"
  std::string unit;                ///< "us", "s", "ops/s", "share", "bytes", "count"
  double predicted = kNaN;         ///< stated before the run
  double measured = kNaN;          ///< not a number before the run
  double low = kNaN, high = kNaN;  ///< the interval of what was measured
  std::string verdict;             ///< in words; empty before the run
};

/// What to do about a risk, and the price of doing it. Phrases without a full stop, with at most
/// two numbers each.
struct LabDecision {
  std::string risk;      ///< "one HGETALL of 1M elements"
  std::string measured;  ///< "p99 of other keys 421 ms"
  std::string action;    ///< understood without its risk: "Read large hashes in pages with HSCAN"
  std::string price;     ///< "1.9× the main-thread time, and no snapshot"
  double gain = kNaN;    ///< how many times worse it is without; decisions are ordered by it
  bool isStall = false;  ///< p99 breaks at a rate that the server sustains otherwise
  std::vector<std::string> runs;
};

/// The answer where every run that it would rest on is invalid.
inline constexpr std::string_view kDisturbedAnswer =
    "Every run that could answer this was disturbed";

enum class ExperimentState { running, done, interrupted };

struct ExperimentDocument {
  std::string name;
  std::string title;
  std::string question;     ///< what the experiment asks, one paragraph
  std::string profile;      ///< "quick", "standard", "full"
  bool indicative = false;  ///< few points and short runs: directions, not figures to quote
  ExperimentState state = ExperimentState::running;
  std::string redlineVersion;
  EnvironmentFigures environment;
  std::string command;  ///< the shell line that repeats all of it
  std::vector<std::pair<std::string, std::string>> parameters;
  Nanos wallStart = 0;
  double durationS = 0;

  std::string answer;  ///< to the question, a sentence without its full stop; may be empty
  std::vector<LabFinding> findings;
  std::vector<LabTable> tables;
  std::vector<LabPlot> plots;
  std::vector<std::string> costs;            ///< what the remedy or the setting costs
  std::vector<std::string> recommendations;  ///< what to do
  std::vector<LabDecision> decisions;        ///< the same with the price of each
  std::vector<std::string> alternatives;     ///< what else could explain what was found
  std::vector<SloOutcome> slo;
  std::vector<LabFigure> figures;
  std::vector<LabPrediction> predictions;
  std::vector<std::string> method;  ///< how intervals, knees and spikes were found
  std::vector<RunRecord> runs;
};

/// Takes advice and answer back where not one of the document's runs is valid: nothing that was
/// measured supports them.
void withdrawUnsupportedAdvice(ExperimentDocument& document);

std::string experimentToJson(const ExperimentDocument& document);
/// `name` is put before errors.
Result<ExperimentDocument> experimentFromJson(std::string_view text, std::string_view name);

/// One line of runs.jsonl, without its newline.
std::string runRecordToJson(const RunRecord& record);
Result<RunRecord> runRecordFromJson(std::string_view text, std::string_view name,
                                    bool* cutOff = nullptr);

}  // namespace redline
