#include "rundir/event_json.h"

#include <cmath>

#include "json/json.h"
#include "rundir/lines.h"

namespace redline {
namespace {

constexpr double kLongestS = 9e9;  ///< what Nanos can hold

}  // namespace

/// An event with its times as the file has them, from the run's zero.
struct EventLine {
  Event event;
  double atS = 0, durationS = 0;
};

void visit(auto& json, MappedAs<EventLine> auto& line) {
  json.field("at_s", line.atS);
  json.field("kind", line.event.kind);
  json.field("name", line.event.name);
  json.field("phase", line.event.phase);
  json.field("node", line.event.node);
  json.field("detail", line.event.detail);
  json.field("duration_s", line.durationS);
  if (json.kReads || !line.event.figures.empty()) json.finiteFigures("figures", line.event.figures);
}

namespace {

Result<Event> parseEvent(std::string_view text, const JsonSource& source) {
  auto line = readJson<EventLine>(text, source);
  if (!line) return fail(line.error());
  if (std::abs(line->atS) > kLongestS || std::abs(line->durationS) > kLongestS)
    return jsonProblem(source, "its time is out of range");
  line->event.at = fromSeconds(line->atS);
  line->event.duration = fromSeconds(line->durationS);
  return std::move(line->event);
}

}  // namespace

std::string eventToJsonLine(const Event& event, Nanos zero) {
  return writeJson(EventLine{event, toSeconds(event.at - zero), toSeconds(event.duration)}) + "\n";
}

Result<std::vector<Event>> parseEvents(std::string_view text, std::string_view name,
                                       std::vector<std::string>& warnings) {
  std::vector<Event> events;
  std::size_t number = 0;
  for (const std::string_view line : wholeLines(text, name, warnings)) {
    ++number;
    if (line.empty()) continue;
    auto event = parseEvent(line, {.name = name, .line = number});
    if (!event) return fail(event.error());
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace redline
