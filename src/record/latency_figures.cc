#include "record/latency_figures.h"

#include <algorithm>
#include <array>

namespace redline {
LatencyFigures figuresOf(const Histogram& histogram) {
  LatencyFigures figures;
  figures.count = histogram.count();
  figures.mean = histogram.mean() / static_cast<double>(kMicrosecond);
  std::array<double, kReportedPercentiles.size()> shares;
  std::array<Nanos, kReportedPercentiles.size()> values;
  std::ranges::transform(kReportedPercentiles, shares.begin(), &ReportedPercentile::share);
  histogram.quantiles(shares, values);
  for (std::size_t i = 0; i < values.size(); ++i)
    figures.*kReportedPercentiles[i].figure = toMicros(std::min(values[i], histogram.max()));
  figures.max = toMicros(histogram.max());
  return figures;
}

void markLowerBounds(LatencyFigures& figures, const Histogram& histogram, std::uint64_t outstanding,
                     Nanos shortestWait) {
  figures.lowerBounds.clear();
  if (outstanding == 0 || histogram.count() == 0) return;
  const std::size_t open =
      Histogram::slotOf(std::clamp<Nanos>(shortestWait, 0, Histogram::kHighest));
  figures.lowerBounds.emplace_back("mean");
  for (const auto& [name, share, figure] : kReportedPercentiles)
    if (Histogram::slotOf(histogram.quantile(share)) >= open)
      figures.lowerBounds.emplace_back(name);
  figures.lowerBounds.emplace_back("max");
}

}  // namespace redline
