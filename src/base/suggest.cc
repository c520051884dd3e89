#include "base/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace redline {

std::size_t editDistance(std::string_view a, std::string_view b) {
  // Optimal string alignment, three rows of the table at a time.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string_view closest(std::string_view typed, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t bestDistance = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = editDistance(typed, candidate);
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  if (!best.empty() || typed.size() < 2) return best;
  const auto longer = std::ranges::find_if(
      candidates, [&](std::string_view candidate) { return candidate.starts_with(typed); });
  return longer == candidates.end() ? std::string_view{} : *longer;
}

std::string didYouMean(std::string_view typed, std::span<const std::string_view> candidates,
                       std::string_view prefix) {
  const std::string_view near = closest(typed, candidates);
  return near.empty() ? "" : fmt::format(": did you mean {}{}?", prefix, near);
}

std::string didYouMeanOrUse(std::string_view typed, std::span<const std::string_view> candidates) {
  const std::string hint = didYouMean(typed, candidates);
  return hint.empty() ? ": use " + alternatives(candidates) : hint;
}

std::string alternatives(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace redline
