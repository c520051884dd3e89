#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "record/slo.h"
#include "rundir/experiment.h"

namespace redline {

// A busy reader keeps two figures of a sentence. Generated sentences are counted: whoever writes
// one with three figures learns it from a test.

/// A number as people read it: "1.41 ms", "74.2k", "80.0%".
struct ReadNumber {
  double value = 0;  ///< seconds, bytes, counts; shares of 1
  bool isTime = false;
  std::size_t from = 0, to = 0;  ///< its place in the text

  bool isSameAs(const ReadNumber& other) const {
    return isTime == other.isTime &&
           std::abs(value - other.value) <= 1e-3 * std::max(std::abs(value), std::abs(other.value));
  }
};

/// Those of a text, but for parts of names: "p99", "-conns=200", "child-r2", "16384x".
inline std::vector<ReadNumber> numbersIn(std::string_view text) {
  struct Suffix {
    std::string_view text;
    double factor;
    bool isTime;
  };
  constexpr std::array kSuffixes{
      Suffix{"µs", 1e-6, true},   Suffix{"ms", 1e-3, true},      Suffix{"ns", 1e-9, true},
      Suffix{"KB", 1024, false},  Suffix{"MB", 1 << 20, false},  Suffix{"GB", 1 << 30, false},
      Suffix{"KiB", 1024, false}, Suffix{"MiB", 1 << 20, false}, Suffix{"GiB", 1 << 30, false},
      Suffix{"%", 0.01, false},   Suffix{"k", 1e3, false},       Suffix{"M", 1e6, false},
      Suffix{"G", 1e9, false},    Suffix{"s", 1, true},          Suffix{"B", 1, false},
      Suffix{"×", 1, false}};
  const auto isLetter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto isDigit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  std::vector<ReadNumber> numbers;
  for (std::size_t at = 0; at < text.size();) {
    if (!isDigit(text[at])) {
      ++at;
      continue;
    }
    constexpr std::string_view kNameBefore = "_.-=/:";
    const bool isName =
        at > 0 && (isLetter(text[at - 1]) || kNameBefore.find(text[at - 1]) != std::string::npos);
    ReadNumber number{.from = at};
    std::size_t end = at;
    while (end < text.size() && (isDigit(text[end]) || text[end] == '.')) ++end;
    if (text[end - 1] == '.') --end;  // of the sentence
    number.value = std::strtod(std::string(text.substr(at, end - at)).c_str(), nullptr);
    for (const Suffix& suffix : kSuffixes) {
      std::string_view rest = text.substr(end);
      const bool blank =
          rest.starts_with(' ') && suffix.text != "k" && suffix.text != "M" && suffix.text != "G";
      if (blank) rest.remove_prefix(1);
      if (!rest.starts_with(suffix.text)) continue;
      rest.remove_prefix(suffix.text.size());
      if (!rest.empty() && isLetter(suffix.text.back()) && isLetter(rest.front())) continue;
      number.value *= suffix.factor;
      number.isTime = suffix.isTime;
      end += suffix.text.size() + (blank ? 1 : 0);
      break;
    }
    at = number.to = std::max(end, number.from + 1);
    if (!isName) numbers.push_back(number);
  }
  return numbers;
}

/// Finds sentences with more than two figures, or with more than five numbers in all. No figures
/// are the experiment's own parameters and the limits of service levels, which say of what a
/// sentence is: "at 80% of the ceiling", "values of 4 KB". "3 of 4 runs" is one figure. Intervals
/// are not counted: the report leaves them out of its sentences.
class CrowdedSentences {
 public:
  explicit CrowdedSentences(const ExperimentDocument& document) : document_(document) {
    for (const auto& [name, text] : document.parameters) know(text);
    for (const SloRow& row : kSloRows) know(row.target);
  }

  /// "finding always-costs: `always` multiplies …", of all that the document says in sentences.
  std::vector<std::string> all() && {
    look("answer", document_.answer);
    for (const LabFinding& finding : document_.findings)
      look("finding " + finding.id, finding.text);
    for (const std::string& text : document_.recommendations) look("recommendation", text);
    for (const std::string& text : document_.costs) look("cost", text);
    for (const std::string& text : document_.alternatives) look("alternative", text);
    for (const LabDecision& decision : document_.decisions)
      for (const std::string* const text :
           {&decision.risk, &decision.measured, &decision.action, &decision.price})
        look("decision", *text);
    for (const SloOutcome& outcome : document_.slo)  // a list, parted by semicolons
      for (std::string_view rest = outcome.measured; !rest.empty();) {
        const std::size_t end = rest.find(';');
        look("service level " + outcome.id, rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      }
    return std::move(found_);
  }

 private:
  void know(std::string_view text) {
    std::ranges::copy(numbersIn(text), std::back_inserter(known_));
  }

  static std::string withoutIntervals(std::string_view text) {
    std::string kept;
    while (!text.empty()) {
      const std::size_t open = text.find(" [");
      const std::size_t close = open == std::string_view::npos ? open : text.find(']', open);
      if (close == std::string_view::npos) break;
      kept += text.substr(0, open);
      text.remove_prefix(close + 1);
    }
    return kept.append(text);
  }

  void look(const std::string& where, std::string_view text) {
    std::string rest = withoutIntervals(text);
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(". "), rest.size());
      const std::string sentence = rest.substr(0, end);
      rest.erase(0, std::min(end + 2, rest.size()));
      if (isCrowded(sentence)) found_.push_back(where + ": " + sentence);
    }
  }

  bool isCrowded(std::string_view sentence) const {
    constexpr std::size_t kMostFigures = 2, kMostNumbers = 5;
    const auto numbers = numbersIn(sentence);
    std::size_t figures = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const bool isOfTheLast =
          i > 0 && (between(sentence, numbers[i - 1], numbers[i]) == " of " ||
                    between(sentence, numbers[i - 1], numbers[i]) == " of the ");
      const bool isKnown = std::ranges::any_of(
          known_, [&](const ReadNumber& known) { return known.isSameAs(numbers[i]); });
      if (!isOfTheLast && !isKnown) ++figures;
    }
    return figures > kMostFigures || numbers.size() > kMostNumbers;
  }
  static std::string_view between(std::string_view text, const ReadNumber& a, const ReadNumber& b) {
    return text.substr(a.to, b.from - a.to);
  }

  const ExperimentDocument& document_;
  std::vector<ReadNumber> known_;
  std::vector<std::string> found_;
};

/// As CrowdedSentences, less what is allowed.
inline std::vector<std::string> crowdedSentences(const ExperimentDocument& document) {
  // Each has its reason.
  constexpr std::array<std::string_view, 1> kAllowed{
      "answer: One Redis core serves ",  // the report's first sentence: both rates, and what to
                                         // plan
  };
  auto crowded = CrowdedSentences(document).all();
  std::erase_if(crowded, [&](const std::string& sentence) {
    return std::ranges::any_of(kAllowed,
                               [&](std::string_view begin) { return sentence.starts_with(begin); });
  });
  return crowded;
}

}  // namespace redline
