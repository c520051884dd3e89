#pragma once

#include <string>
#include <vector>

#include "report/findings.h"

namespace redline {

// What a report says, before it is HTML or Markdown. All texts are plain; whoever writes them out
// escapes them.

/// First column left, the others right-aligned unless `prose`.
struct Table {
  std::string title;
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::string note;    ///< under the table; may be empty
  bool prose = false;  ///< columns of words
};

/// A plot as gnuplot drew it, in light colours, ids made unique.
struct Figure {
  std::string id;  ///< also the file's name in plots/
  std::string title;
  std::string description;  ///< what is drawn and how to read it
  std::string svg;
};

/// May the figures be believed?
struct ReportVerdict {
  enum class Kind { valid, invalid, unknown };
  Kind kind = Kind::unknown;
  std::string headline;
  std::vector<std::string> reasons;   ///< why not
  std::vector<std::string> notes;     ///< worth knowing
  std::vector<std::string> warnings;  ///< what is missing from the directory
};

/// One of the few figures that a reader looks for first.
struct KeyFigure {
  std::string label, value;
};

struct RunSection {
  std::string id, name;
  ReportVerdict verdict;
  std::vector<KeyFigure> key;
  std::string command;  ///< for a shell
  /// "Started 2026-11-24 01:16:41 UTC on AMD EPYC, 2 cores, …."; empty when not known.
  std::string whenAndWhere;
  std::vector<Finding> findings;
  std::vector<Table> tables;
  std::vector<Figure> figures;
  std::vector<std::pair<std::string, std::string>> flags;
};

struct Report {
  std::string title;
  std::vector<Table> comparison;  ///< of several runs; empty for one
  std::vector<Figure> comparisonFigures;
  std::vector<RunSection> runs;
};

}  // namespace redline
