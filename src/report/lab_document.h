#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/document.h"
#include "report/gnuplot.h"
#include "report/lab_blame.h"
#include "rundir/experiment.h"

namespace redline {

// The report of a lab: several experiments' documents, before they are HTML or Markdown. It knows
// no experiment by name.

/// Where a reader is sent on: an element of the page by its id, and in Markdown a heading.
struct LabLink {
  std::string label;
  std::string target;  ///< an id; empty: nowhere
};

/// A row of the brief's table of service levels.
struct SloLine {
  std::string metric, target, measured;
  std::string verdict;  ///< "met", "missed", "reported", …, "not measured"
  std::string detail;
  LabLink evidence;
  std::vector<std::string> runs;  ///< of that experiment, by name
};

struct HeadlineLine {
  Standing standing = Standing::plain;
  std::string text;
  LabLink section;
};

/// One run in the list at the end of a section.
struct LabRunLine {
  std::string id, name;
  std::string state;  ///< "done", "INVALID: …", "failed: …", "skipped: …"
  std::vector<std::string> commands;
};

struct LabSection {
  std::string id, name, title, question;
  std::string summary;  ///< "26 runs in 52 s, profile quick"
  std::vector<std::string> problems;
  std::string command;
  std::vector<LabFinding> findings;
  std::vector<Figure> figures;
  std::vector<LabTable> tables;
  std::vector<std::string> costs, recommendations, method;
  std::optional<LabTable> predictions;
  std::vector<std::pair<std::string, std::string>> parameters;
  std::vector<LabRunLine> runs;
};

struct LabReport {
  std::string title;
  std::vector<std::string> facts;     ///< when, where, with what
  std::vector<std::string> warnings;  ///< indicative, interrupted, failed
  std::string command;                ///< that makes all of it again
  std::string verdict;                ///< "7 of 10 service levels settled: …"
  std::vector<SloLine> slo;
  bool missed = false;    ///< a service level was
  bool complete = false;  ///< every one was settled
  std::vector<HeadlineLine> headlines;
  std::vector<LabSection> sections;
};

/// The element of a run in the list of a section.
std::string runAnchor(std::string_view experiment, std::string_view run);

/// Whether this directory is a lab's: it, or a directory in it, has an experiment.json.
bool isLabDirectory(const std::filesystem::path& path);

/// Every experiment of a lab's directory, in the order in which they began.
Result<std::vector<ExperimentDocument>> readLab(const std::filesystem::path& path);

/// `blame`: of blameOfLab().
Result<LabReport> buildLabReport(const std::vector<ExperimentDocument>& experiments,
                                 const Drawer& draw,
                                 const std::map<std::string, LabBlame>& blame = {});

}  // namespace redline
