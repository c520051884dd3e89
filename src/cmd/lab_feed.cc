#include "cmd/lab_feed.h"

#include <array>
#include <string_view>

#include "base/clock.h"
#include "json/json.h"
#include "report/lab_front.h"

namespace redline {
namespace {

/// In the order of LabStep::What.
constexpr std::array<std::string_view, 7> kStepNames{"begins",  "done",   "disturbed", "invalid",
                                                     "skipped", "failed", "kept"};

double wallMillis() {
  return static_cast<double>(wallNow() / kMillisecond);
}

}  // namespace

void visit(JsonWriter& json, const LabFeed::Part& part) {
  json.field("name", part.name);
  json.field("title", part.title);
  json.field("state", part.state);
  json.field("answer", part.answer);
  json.field("expected_s", part.expectedS);
}

void visit(JsonWriter& json, const LabFeed::State& lab) {
  json.field("experiments", lab.parts);
  json.field("experiment", lab.at);
  json.field("run", lab.step.number);
  json.field("runs", lab.step.of);
  json.field("title", lab.step.title);
  json.field("activity", lab.activity);
  json.field("left_s", lab.leftS);
  json.field("at", lab.toldAtMs);
}

/// A run that is over, with its experiment.
struct DoneRun {
  const LabStep& step;
  const std::string& experiment;
};

void visit(JsonWriter& json, const DoneRun& done) {
  json.field("experiment", done.experiment);
  json.field("number", done.step.number);
  json.field("of", done.step.of);
  json.field("title", done.step.title);
  json.field("state", done.step.what, kStepNames);
  json.field("result", done.step.result);
  json.field("reason", done.step.reason);
  json.field("took_s", done.step.tookS);
  json.field("at", wallMillis());
}

LabFeed::LabFeed(EventFeed& feed, const std::vector<LabDisplay::Part>& parts) : feed_(feed) {
  for (const LabDisplay::Part& part : parts)
    state_.parts.push_back({.name = part.name, .title = part.title, .expectedS = part.expectedS});
  expect(0);
  tell();
}

void LabFeed::expect(double partS) {
  state_.leftS = partS;
  for (std::size_t i = state_.at; i < state_.parts.size(); ++i)
    state_.leftS += state_.parts[i].expectedS;
  state_.toldAtMs = wallMillis();
}

void LabFeed::tell() {
  feed_.add("lab", Keep::latest, writeJson(state_));
}

void LabFeed::begin() {
  const std::lock_guard lock(mutex_);
  Part& part = state_.parts[state_.at++];
  part.state = "running";
  state_.step = {};
  state_.activity.clear();
  expect(part.expectedS);
  tell();
}

void LabFeed::step(const LabStep& step) {
  const std::lock_guard lock(mutex_);
  state_.step = step;
  state_.activity.clear();
  expect(step.leftS);
  if (step.what != LabStep::What::begins)
    feed_.add("done", Keep::always, writeJson(DoneRun{step, state_.parts[state_.at - 1].name}));
  tell();
}

void LabFeed::activity(const std::string& text) {
  const std::lock_guard lock(mutex_);
  state_.activity = text;
  tell();
}

void LabFeed::end(const LabOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  Part& part = state_.parts[state_.at - 1];
  part.state = outcome.failed > 0       ? "failed"
               : outcome.hasValidData() ? "done"
                                        : "without valid data";
  part.answer = answerOf(outcome.document);
  expect(0);
  tell();
}

}  // namespace redline
