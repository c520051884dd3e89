#pragma once

#include <string>
#include <vector>

#include "report/document.h"
#include "rundir/experiment.h"

namespace redline {

/// Whether repeats of one whole experiment agree.
struct LabAgreement {
  /// A headline figure or a finding, with what each repeat says.
  struct Line {
    std::string what;
    std::vector<std::string> said;  ///< one of each repeat; "–" where it is missing
    std::string verdict;
    bool agrees = false;
  };
  std::string experiment, profile, command;
  std::vector<Line> figures;   ///< agree: one value lies in all intervals
  std::vector<Line> verdicts;  ///< of service levels; agree: all the same
  std::vector<Line> findings;  ///< agree: every repeat has it, with the same standing

  bool agrees() const;
};

/// `repeats`: two or more documents of the same experiment.
LabAgreement agreementOf(const std::vector<ExperimentDocument>& repeats);

/// The figures' table, the verdicts', and the findings that differ.
Document agreementDocument(const LabAgreement& agreement);

}  // namespace redline
