#include "rundir/event_json.h"

#include <fmt/format.h>

#include <cmath>

#include "rundir/json_fields.h"
#include "rundir/lines.h"

namespace redline {
namespace {

Result<Event> parseEvent(std::string_view line, std::string_view name, std::size_t number) {
  const auto json = parseJson(line, name, number);
  if (!json) return fail(json.error());
  std::string problem;
  Event event;
  double at = 0;
  double duration = 0;
  JsonFields fields(*json, "", problem);
  fields.read("at_s", at);
  fields.read("kind", event.kind);
  fields.read("name", event.name);
  fields.read("phase", event.phase);
  fields.read("node", event.node);
  fields.read("detail", event.detail);
  fields.read("duration_s", duration);
  fields.read("figures", event.figures);
  if (problem.empty() && (std::abs(at) > 9e9 || std::abs(duration) > 9e9))
    problem = "its time is out of range";
  if (!problem.empty()) return fail(ErrorCode::invalidInput, "{}:{}: {}", name, number, problem);
  event.at = fromSeconds(at);
  event.duration = fromSeconds(duration);
  return event;
}

}  // namespace

std::string eventToJsonLine(const Event& event, Nanos zero) {
  Json json = {{"at_s", toSeconds(event.at - zero)},
               {"kind", event.kind},
               {"name", event.name},
               {"phase", event.phase},
               {"node", event.node},
               {"detail", event.detail},
               {"duration_s", toSeconds(event.duration)}};
  if (!event.figures.empty()) json["figures"] = figuresJson(event.figures);
  return toText(json) + "\n";
}

Result<std::vector<Event>> parseEvents(std::string_view text, std::string_view name,
                                       std::vector<std::string>& warnings) {
  std::vector<Event> events;
  std::size_t number = 0;
  for (const std::string_view line : wholeLines(text, name, warnings)) {
    ++number;
    if (line.empty()) continue;
    auto event = parseEvent(line, name, number);
    if (!event) return fail(event.error());
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace redline
