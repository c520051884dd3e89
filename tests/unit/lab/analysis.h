#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "lab/study.h"
#include "unit/lab/crowded_sentences.h"

namespace redline {

inline Readings readingsOf(const std::vector<Reading>& runs) {
  Readings readings;
  for (const Reading& run : runs) readings.add(run);
  return readings;
}

/// What the experiment says of these runs, predictions included; of whatever runs, in sentences
/// that a reader keeps.
inline ExperimentDocument analysisOf(const Experiment& experiment, const Parameters& parameters,
                                     const Readings& readings) {
  ExperimentDocument document;
  document.parameters = parameters.all();
  document.predictions = lab::predictionsOf(experiment, parameters);
  lab::analyse(experiment, parameters, readings, document);
  EXPECT_THAT(crowdedSentences(document), testing::IsEmpty());
  return document;
}

/// The prediction of that name; one without figures where there is none.
inline LabPrediction predictionOf(const ExperimentDocument& document, std::string_view what) {
  const auto found = std::ranges::find(document.predictions, what, &LabPrediction::what);
  return found == document.predictions.end() ? LabPrediction{} : *found;
}

/// What a failed expectation shows of a finding.
inline void PrintTo(const LabFinding& finding, std::ostream* out) {
  *out << finding.id << " (" << static_cast<int>(finding.standing) << "): " << finding.text;
}

/// A finding with this id and standing, and these numbers in its sentence.
template <typename... Numbers>
auto finds(std::string_view id, Standing standing, Numbers... numbers) {
  using testing::Field;
  return testing::Contains(testing::AllOf(
      Field(&LabFinding::id, std::string(id)), Field(&LabFinding::standing, standing),
      Field(&LabFinding::text,
            testing::AllOf(testing::_, testing::HasSubstr(std::string(numbers))...))));
}

}  // namespace redline
