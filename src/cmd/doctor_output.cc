#include "cmd/doctor_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <ranges>
#include <set>
#include <string_view>

#include "base/text.h"
#include "cmd/figure_ranges.h"
#include "cmd/text.h"
#include "doctor/report_json.h"

namespace redline {
namespace {

constexpr std::size_t kNarrowestText = 48, kWidest = 110;  // as help's
constexpr std::size_t kLabel = 10;
constexpr std::size_t kLongest = 400;  ///< of a text of a server: a slow command has its arguments

struct SeverityStyle {
  std::string_view heading, colour;
};
constexpr std::array<SeverityStyle, 4> kStyles{{{"DANGEROUS", "\x1b[31m"},
                                                {"COSTS LATENCY", "\x1b[33m"},
                                                {"UNKNOWN", "\x1b[90m"},
                                                {"FINE", "\x1b[32m"}}};
constexpr std::string_view kPlain = "\x1b[0m";

using Results = std::vector<const CheckResult*>;

/// How many servers the results are of.
std::size_t serversIn(const std::vector<CheckResult>& results) {
  std::set<std::string_view> servers;
  for (const CheckResult& result : results)
    if (!result.subject.empty() && result.subject != "cluster") servers.insert(result.subject);
  return servers.size();
}

/// "127.0.0.1:7700, 7702, 10.0.0.7:7700", a host once for its ports; of very many the first ones.
std::string namesOf(const Results& results) {
  constexpr std::size_t kMost = 8;
  std::string names;
  std::string_view last;
  for (const CheckResult* result : results | std::views::take(kMost)) {
    const std::string_view subject = result->subject;
    const std::string_view host = subject.substr(0, subject.rfind(':'));
    names += names.empty() ? "" : ", ";
    names += !names.empty() && host == last ? subject.substr(host.size() + 1) : subject;
    last = host;
  }
  if (results.size() <= kMost) return printable(names);
  return fmt::format("{} nodes ({}, …)", results.size(), printable(names));
}

std::string subjectsOf(const Results& results, std::size_t servers) {
  if (results.front()->subject.empty()) return "this machine";
  if (results.size() > 1 && results.size() == servers) return fmt::format("{} nodes", servers);
  return namesOf(results);
}

bool sameEvidence(const CheckResult& one, const CheckResult& other) {
  return one.judgement.evidence == other.judgement.evidence;
}
bool sameEffect(const CheckResult& one, const CheckResult& other) {
  return one.judgement.effect == other.judgement.effect &&
         one.judgement.price == other.judgement.price;
}
/// Equal, or but for figures. Names of keys may look like figures.
bool alike(const CheckResult& one, const CheckResult& other) {
  return sameEvidence(one, other) ||
         (one.check != "big-keys" && one.check != "hot-keys" &&
          withRanges({one.judgement.evidence, other.judgement.evidence}).has_value());
}

/// In groups that are equal by `same`, each where its first one is.
std::vector<Results> grouped(const Results& results,
                             bool (*same)(const CheckResult& one, const CheckResult& other)) {
  std::vector<Results> groups;
  for (const CheckResult* result : results) {
    const auto group = std::ranges::find_if(
        groups, [&](const Results& each) { return same(*each.front(), *result); });
    if (group == groups.end())
      groups.push_back({result});
    else
      group->push_back(result);
  }
  return groups;
}

class DoctorPage {
 public:
  DoctorPage(const DoctorStyle& style, std::size_t servers)
      : width_(std::clamp(style.width, kNarrowestText, kWidest)),
        coloured_(style.coloured),
        servers_(servers) {}

  void severity(Severity severity) {
    const SeverityStyle& style = kStyles[static_cast<std::size_t>(severity)];
    text_ += coloured_ ? fmt::format("{}{}{}{}\n", text_.empty() ? "" : "\n", style.colour,
                                     style.heading, kPlain)
                       : fmt::format("{}{}\n", text_.empty() ? "" : "\n", style.heading);
  }

  /// Results of one check and one severity.
  void check(const Results& results) {
    if (results.front()->judgement.severity == Severity::fine)
      for (const Results& group : grouped(results, alike)) good(group);
    else
      for (const Results& group : grouped(results, sameEffect)) wrong(group);
  }

  void line(std::string_view text) { text_ += fmt::format("{}\n", text); }
  std::string take() { return std::move(text_); }

 private:
  /// What they share is said once.
  void wrong(const Results& results) {
    const Diagnosis& first = results.front()->judgement;
    line(fmt::format("  {}", results.front()->title));
    for (const Results& group : grouped(results, sameEvidence))
      row("evidence", fmt::format("{}: {}", subjectsOf(group, servers_),
                                  printable(group.front()->judgement.evidence, kLongest)));
    if (!first.effect.empty()) row("effect", first.effect);
    if (first.severity != Severity::unknown) price(first.price);
    std::string_view label = first.severity == Severity::unknown ? "to know" : "fix";
    for (const std::string& fix : fixesOf(results)) {
      command(label, printable(fix, kLongest));
      label = {};
    }
  }

  /// Each once: the first of all, the second of all, and so on.
  static std::vector<std::string> fixesOf(const Results& results) {
    std::vector<std::string> fixes;
    std::size_t most = 0;
    for (const CheckResult* result : results) most = std::max(most, result->judgement.fix.size());
    for (std::size_t i = 0; i < most; ++i)
      for (const CheckResult* result : results) {
        const std::vector<std::string>& own = result->judgement.fix;
        if (i < own.size() && std::ranges::find(fixes, own[i]) == fixes.end())
          fixes.push_back(own[i]);
      }
    return fixes;
  }

  void good(const Results& results) {
    constexpr std::size_t kTitle = 28;
    const CheckResult& first = *results.front();
    std::vector<std::string> texts;
    for (const CheckResult* result : results)
      texts.push_back(printable(result->judgement.evidence, kLongest));
    const std::string evidence =
        results.size() == 1 ? texts.front() : withRanges(texts).value_or(texts.front());
    const bool alone = first.subject.empty() || first.subject == "cluster";
    hanging(fmt::format("  {:<{}}", first.title, kTitle - 2), kTitle,
            fmt::format("{}{}", alone ? "" : subjectsOf(results, servers_) + ": ", evidence));
  }

  void price(const Price* price) {
    if (price == nullptr) return row("price", "redline has not measured it");
    row("price", fmt::format("{} ({}: {})", price->text, price->origin, price->file));
  }

  void row(std::string_view label, std::string_view text) {
    hanging(fmt::format("    {:<{}}", label, kLabel), 4 + kLabel, text);
  }

  /// A line to be copied is not wrapped.
  void command(std::string_view label, std::string_view text) {
    line(fmt::format("    {:<{}}{}", label, kLabel, text));
  }

  void hanging(std::string begin, std::size_t indent, std::string_view text) {
    for (const std::string& each : wrap(text, width_ - indent)) {
      line(begin + each);
      begin.assign(indent, ' ');
    }
  }

  std::size_t width_;
  bool coloured_;
  std::size_t servers_;
  std::string text_;
};

}  // namespace

std::string doctorText(const std::vector<CheckResult>& results, const DoctorStyle& style) {
  const std::size_t servers = serversIn(results);
  DoctorPage page(style, servers);
  std::array<std::size_t, kStyles.size()> counts{};
  for (auto at = results.begin(); at != results.end();) {
    const Severity severity = at->judgement.severity;
    std::size_t& count = counts[static_cast<std::size_t>(severity)];
    if (count == 0) page.severity(severity);
    Results group;
    for (; at != results.end() && at->judgement.severity == severity &&
           (group.empty() || at->check == group.front()->check);
         ++at)
      group.push_back(&*at);
    count += group.size();
    page.check(group);
  }
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0)
      parts.push_back(fmt::format("{} {}", counts[i], nameOf(static_cast<Severity>(i))));
  page.line(
      fmt::format("\n{}{}", fmt::join(parts, ", "), servers > 1 ? " (each node and check)" : ""));
  return page.take();
}

}  // namespace redline
