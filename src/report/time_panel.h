#pragma once

#include <string>

#include "report/panel.h"
#include "report/report_data.h"

namespace redline {

// What the panels over a run's time share.

inline constexpr int kTwoPanels = 340;  ///< Picture::height

inline double middleOf(const Span& span) {
  return (span.start + span.end) / 2;
}

/// A panel over the whole run, warm-up and drain shaded, faults and lost connections tinted and
/// marked. `titles`: of the spans.
Panel timePanel(const RunData& run, PanelAxis y, bool titles = true);

/// A line of that many points: symbols on short ones, so that single intervals can be seen.
PanelSeries timeSeries(std::string title, const Ink& ink, std::size_t points,
                       Stroke stroke = Stroke::solid);

/// What Redis's slow log and latency monitor noted, at the time it took.
void addRedisLogs(Panel& panel, const RunData& run);

// Sentences for the description.
std::string describeRedisLogs();
/// Begins with a blank; empty where nothing is shaded or marked.
std::string describeSpans(const RunData& run);

}  // namespace redline
