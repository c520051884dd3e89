#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "record/slo.h"
#include "report/document.h"
#include "rundir/experiment.h"

namespace redline {

// What a lab found, in the few words that stand first: on the report's first page, in the note
// (lab_note.h) and on the terminal's last screen. It knows no experiment by name.

/// A row of the brief's table with its outcome, where an experiment settled it.
struct SloLine {
  const SloRow* row = nullptr;
  const SloOutcome* outcome = nullptr;
  const ExperimentDocument* experiment = nullptr;
};
/// Rows of experiments that were not asked for are left out.
std::vector<SloLine> sloLines(const std::vector<ExperimentDocument>& experiments);

/// "✓" met, "✗" missed, "?" not decided or not measured, "·" measured without a target.
std::string_view markOf(const SloLine& line);
Tone toneOf(const SloLine& line);
/// "2.2 ms at 105k/s"; why there is nothing where nothing was measured.
std::string measuredText(const SloLine& line);
/// The second estimand: "620 µs with the core available ✓"; empty where there is none.
std::string availableText(const SloLine& line);
/// "Two targets are met and one is undecided; seven levels without a target were measured"; empty
/// without lines.
std::string verdictSentence(const std::vector<SloLine>& lines);

/// The text without " [116k – 121k]": prose has no intervals.
std::string withoutIntervals(std::string_view text);

/// The answer to the experiment's question. Of documents without one the first headline that is
/// decided, or else the first, and that one with its caution: "Inconclusive: …". Empty where there
/// is none.
std::string answerOf(const ExperimentDocument& experiment);
/// The same as a sentence: "Not measured." where there is none.
std::string answerSentence(const ExperimentDocument& experiment);
/// Whether that finding is the answer, so that it need not be said again.
bool isAnswer(const ExperimentDocument& experiment, const LabFinding& finding);

/// A decision and where it comes from.
struct RankedDecision {
  LabDecision decision;
  const ExperimentDocument* experiment = nullptr;
};
/// Those with the largest gain first, one of each experiment before the second of any, and of
/// experiments that name the same risk the one alone that has most runs of it. Where an older
/// document has none, its first recommendation stands for it, without a gain.
std::vector<RankedDecision> decisionsOf(const std::vector<ExperimentDocument>& experiments);

/// At most four, with their full stops: what the server does, what breaks p99, what else limits it,
/// the service levels.
std::vector<std::string> leadSentences(const std::vector<ExperimentDocument>& experiments);

/// "2 cores (Xeon), 7.8 GB of memory, Linux 6.1; Redis 7.0.15; redline 0.1"; empty where unknown.
std::string machineText(const std::vector<ExperimentDocument>& experiments);
/// "6 of 73 runs were disturbed (core taken: 6); other processes had 6.0% of Redis's core".
std::string disturbanceText(const std::vector<ExperimentDocument>& experiments);

/// What must be known before figures are quoted: indicative profiles, what is not complete.
std::vector<std::string> warningsOf(const std::vector<ExperimentDocument>& experiments);

/// Leads to the experiment's section.
Hyperlink sectionLink(const ExperimentDocument& experiment);

/// The commands that repeat a lab: one for all experiments that ran with the same flags, a line
/// each.
std::string commandsOf(const std::vector<ExperimentDocument>& experiments);

/// "1m52s".
std::string wholeSeconds(double seconds);

}  // namespace redline
