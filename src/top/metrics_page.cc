#include "top/metrics_page.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/text.h"

namespace redline {
namespace {

std::optional<double> valueOf(std::string_view text) {
  if (text == "+Inf") return kInfinity;
  if (text == "NaN") return kNaN;
  return toNumber<double>(text);
}

/// Reads `name="value",…}` and leaves what follows the brace. False: it is something else.
bool takeLabels(std::string_view& text, MetricsPage::Labels& labels) {
  while (!text.empty() && text.front() != '}') {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) return false;
    const std::string name(trim(text.substr(0, equals)));
    text.remove_prefix(equals + 2);
    std::string value;
    while (!text.empty() && text.front() != '"') {
      char c = text.front();
      if (c == '\\' && text.size() > 1) {
        text.remove_prefix(1);
        c = text.front() == 'n' ? '\n' : text.front();
      }
      value += c;
      text.remove_prefix(1);
    }
    if (text.empty()) return false;
    text.remove_prefix(1);
    if (text.starts_with(',')) text.remove_prefix(1);
    labels.insert_or_assign(name, std::move(value));
  }
  if (text.empty()) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

Result<MetricsPage> MetricsPage::parse(std::string_view text) {
  MetricsPage page;
  for (std::string_view line : splitLines(text)) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t end = line.find_first_of(" {");
    if (end == 0 || end == std::string_view::npos) continue;
    const std::string name(line.substr(0, end));
    Series series;
    const bool labelled = line[end] == '{';
    line.remove_prefix(end + (labelled ? 1 : 0));
    if (labelled && !takeLabels(line, series.labels)) continue;
    const auto words = splitWords(line);
    const auto value = words.empty() ? std::nullopt : valueOf(words.front());
    if (!value) continue;
    series.value = *value;
    page.series_.emplace(name, std::move(series));
  }
  if (page.series_.empty())
    return fail(ErrorCode::invalidInput, "there is no metric in it: is that a driver's -metrics?");
  return page;
}

bool MetricsPage::hasAny(std::string_view prefix) const {
  const auto first = series_.lower_bound(prefix);
  return first != series_.end() && first->first.starts_with(prefix);
}

double MetricsPage::sum(std::string_view name, std::string_view label,
                        std::string_view value) const {
  double sum = kNaN;
  const auto [first, last] = series_.equal_range(name);
  for (auto at = first; at != last; ++at) {
    if (!label.empty()) {
      const auto found = at->second.labels.find(label);
      if (found == at->second.labels.end() || found->second != value) continue;
    }
    sum = std::isnan(sum) ? at->second.value : sum + at->second.value;
  }
  return sum;
}

std::map<std::string, double> MetricsPage::by(std::string_view name, std::string_view label) const {
  std::map<std::string, double> sums;
  const auto [first, last] = series_.equal_range(name);
  for (auto at = first; at != last; ++at)
    if (const auto found = at->second.labels.find(label); found != at->second.labels.end())
      sums[found->second] += at->second.value;
  return sums;
}

MetricsPage::Labels MetricsPage::labelsOf(std::string_view name) const {
  const auto found = series_.find(name);
  return found == series_.end() ? Labels{} : found->second.labels;
}

std::string MetricsPage::current(std::string_view name, std::string_view label) const {
  const auto [first, last] = series_.equal_range(name);
  for (auto at = first; at != last; ++at)
    if (at->second.value == 1)
      if (const auto found = at->second.labels.find(label); found != at->second.labels.end())
        return found->second;
  return {};
}

double quantileBetween(const std::map<std::string, double>& before,
                       const std::map<std::string, double>& after, double q) {
  std::vector<std::pair<double, double>> buckets;  // bound, what came at or below it
  for (const auto& [text, count] : after) {
    const auto bound = valueOf(text);
    if (!bound || std::isnan(*bound)) continue;
    const auto then = before.find(text);
    buckets.emplace_back(*bound, std::max(0.0, count - (then == before.end() ? 0 : then->second)));
  }
  std::ranges::sort(buckets);
  if (buckets.empty() || buckets.back().second <= 0) return kNaN;
  const double wanted = q * buckets.back().second;
  double lowBound = 0, lowCount = 0;
  for (const auto& [bound, count] : buckets) {
    if (count >= wanted && count > lowCount) {
      if (std::isinf(bound)) return lowBound;
      return lowBound + (bound - lowBound) * (wanted - lowCount) / (count - lowCount);
    }
    lowBound = bound;
    lowCount = std::max(lowCount, count);
  }
  return lowBound;
}

}  // namespace redline
