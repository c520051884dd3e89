#include "cmd/figure_ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>

#include "base/numbers.h"
#include "base/text.h"

namespace redline {
namespace {

struct Scale {
  std::string_view name;
  char kind;      ///< only figures of one kind make a range
  double factor;  ///< to the kind's smallest
};
constexpr std::array kSuffixes{Scale{"", 'n', 1}, Scale{"k", 'n', 1e3}, Scale{"M", 'n', 1e6},
                               Scale{"G", 'n', 1e9}, Scale{"%", '%', 1}};
constexpr std::array kUnits{
    Scale{"B", 'b', 1},       Scale{"KB", 'b', 0x1p10}, Scale{"MB", 'b', 0x1p20},
    Scale{"GB", 'b', 0x1p30}, Scale{"TB", 'b', 0x1p40}, Scale{"ns", 't', 1},
    Scale{"µs", 't', 1e3},    Scale{"ms", 't', 1e6},    Scale{"s", 't', 1e9}};

template <std::size_t N>
const Scale* findScale(const std::array<Scale, N>& scales, std::string_view name) {
  const auto* const found = std::ranges::find(scales, name, &Scale::name);
  return found == scales.end() ? nullptr : found;
}

/// A word with what stands around it: "(6.1%," is "(", "6.1%" and ",".
struct Word {
  std::string_view before, core, after;
};
Word wordOf(std::string_view text) {
  constexpr std::string_view kAround = "(),;:";
  const auto begin = std::min(text.find_first_not_of(kAround), text.size());
  const auto end = std::max(text.find_last_not_of(kAround) + 1, begin);
  return {text.substr(0, begin), text.substr(begin, end - begin), text.substr(end)};
}

/// A figure at a place in a text.
struct Figure {
  std::string_view before, number, unit, after;
  char kind = 'n';
  double value = 0;
  std::size_t words = 1;  ///< 2: the unit is a word of its own

  std::string text(bool withUnit) const {
    return fmt::format("{}{}{}", number, withUnit && words == 2 ? " " : "",
                       withUnit ? unit : std::string_view());
  }
};

using Words = std::vector<std::string_view>;

std::optional<Figure> figureAt(const Words& words, std::size_t at) {
  const Word word = wordOf(words[at]);
  const auto digits = std::min(word.core.find_first_not_of("0123456789."), word.core.size());
  const auto number = toNumber<double>(word.core.substr(0, digits));
  const Scale* scale = findScale(kSuffixes, word.core.substr(digits));
  if (!number || scale == nullptr) return std::nullopt;
  Figure figure{word.before, word.core.substr(0, digits), scale->name, word.after,
                scale->kind, *number * scale->factor};
  if (at + 1 == words.size() || !scale->name.empty() || !word.after.empty()) return figure;
  const Word next = wordOf(words[at + 1]);
  if (const Scale* unit = findScale(kUnits, next.core); unit != nullptr && next.before.empty())
    figure = {word.before, figure.number,          unit->name, next.after,
              unit->kind,  *number * unit->factor, 2};
  return figure;
}

/// The range of the figures at one place; none: they are not of one kind.
std::optional<std::string> rangeOf(const std::vector<Figure>& figures) {
  const Figure& first = figures.front();
  for (const Figure& each : figures)
    if (each.kind != first.kind || each.words != first.words || each.before != first.before ||
        each.after != first.after)
      return std::nullopt;
  const auto [least, most] = std::ranges::minmax(figures, {}, &Figure::value);
  const std::string end = most.text(true);
  const std::string begin = least.text(least.unit != most.unit);
  return fmt::format("{}{}{}", first.before,
                     least.value == most.value ? end : fmt::format("{} – {}", begin, end),
                     first.after);
}

}  // namespace

std::optional<std::string> withRanges(const std::vector<std::string>& texts) {
  std::vector<Words> all;
  std::ranges::transform(texts, std::back_inserter(all),
                         [](const std::string& text) { return splitWords(text); });
  std::string merged;
  for (std::size_t at = 0; at < all.front().size();) {
    std::vector<Figure> figures;
    bool equal = true;
    for (const Words& words : all) {
      if (words.size() != all.front().size()) return std::nullopt;
      equal = equal && words[at] == all.front()[at];
      if (const auto figure = figureAt(words, at)) figures.push_back(*figure);
    }
    if (!merged.empty()) merged += ' ';
    if (figures.size() == all.size()) {
      const auto range = rangeOf(figures);
      if (!range) return std::nullopt;
      merged += *range;
      at += figures.front().words;
    } else if (equal) {
      merged += all.front()[at++];
    } else {
      return std::nullopt;
    }
  }
  return merged;
}

}  // namespace redline
