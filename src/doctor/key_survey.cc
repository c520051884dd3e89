#include "doctor/key_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::size_t kAtOnce = 50;
constexpr std::size_t kKeptKeys = 8;
constexpr int kIdleParts = 9;  ///< of ten
/// Under load most of a reply's time is other clients' commands.
constexpr Nanos kLongestPause = 50 * kMillisecond;

void take(KeySurvey& survey, const std::vector<ExaminedKey>& keys, double logFactor) {
  for (const ExaminedKey& key : keys) {
    keepFirst(survey.largest, key, kKeptKeys, isLarger);
    if (!survey.counters) continue;
    survey.uses += usesOf(key.reads, logFactor);
    keepFirst(survey.busiest, key, kKeptKeys, isBusier);
  }
}

}  // namespace

Result<KeySurvey> surveyKeys(Admin& admin, const KeySurveyPlan& plan) {
  KeySurvey survey;
  survey.keys = plan.keys;
  survey.counters = plan.counters;
  const bool all = plan.scan || plan.keys <= plan.most;
  const Nanos begin = SteadyClock::read();
  std::string cursor = "0";
  while (all ? !survey.whole : survey.looked < plan.most) {
    if (plan.interrupted && plan.interrupted()) break;
    const Nanos asked = SteadyClock::read();
    std::vector<std::string> names;
    if (all) {
      auto page = scanKeys(admin, cursor, kAtOnce);
      if (!page) return fail(std::move(page.error()));
      cursor = std::move(page->next);
      names = std::move(page->names);
      survey.whole = cursor == "0";
    } else {
      auto drawn = drawKeys(admin, kAtOnce);
      if (!drawn) return fail(std::move(drawn.error()));
      if (drawn->empty()) break;
      names = std::move(*drawn);
    }
    const auto keys = examineKeys(admin, names, plan.counters);
    if (!keys) return fail(keys.error());
    survey.looked += names.size();
    take(survey, *keys, plan.logFactor);
    if (plan.progress) plan.progress(survey.looked);
    if (all && survey.whole) break;
    const Nanos pause = std::min(kLongestPause, kIdleParts * (SteadyClock::read() - asked));
    std::this_thread::sleep_for(std::chrono::nanoseconds(pause));
  }
  if (survey.whole) survey.keys = survey.looked;
  for (ExaminedKey& key : survey.largest)
    if (auto known = addElements(admin, key); !known) return fail(std::move(known.error()));
  survey.span = SteadyClock::read() - begin;
  return survey;
}

ClientFacts parseClients(std::string_view list) {
  ClientFacts facts;
  for (const std::string_view line : splitLines(list)) {
    const auto words = splitWords(line);
    if (words.empty()) continue;
    ++facts.clients;
    std::uint64_t waiting = 0;
    std::string_view address, name;
    for (const std::string_view word : words) {
      if (word.starts_with("omem=")) waiting = toNumber<std::uint64_t>(word.substr(5)).value_or(0);
      if (word.starts_with("addr=")) address = word.substr(5);
      if (word.starts_with("name=")) name = word.substr(5);
    }
    if (waiting <= facts.largestBuffer) continue;
    facts.largestBuffer = waiting;
    facts.largest = name.empty() ? std::string(address) : fmt::format("{} {}", address, name);
  }
  return facts;
}

ProcessFacts parseProcessFacts(std::string_view status) {
  ProcessFacts facts;
  for (const std::string_view line : splitLines(status)) {
    const auto words = splitWords(line);
    if (words.size() < 2) continue;
    if (words[0] == "THP_enabled:") facts.hugePages = words[1] != "0";
    if (words[0] == "VmSwap:") facts.swapped = toNumber<std::uint64_t>(words[1]).value_or(0) * 1024;
  }
  return facts;
}

}  // namespace redline
