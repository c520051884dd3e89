#include "server/server_log.h"

#include <algorithm>

#include "base/text.h"
#include "base/units.h"
#include "server/observer_names.h"

namespace redline {
namespace {

constexpr std::size_t kShownArguments = 160;
constexpr std::string_view kClient =
    " (client ";  ///< then its address and, after a blank, its name

std::int64_t idOf(const Value& entry) {
  return entry.items.empty() ? -1 : entry.items[0].asInteger().value_or(-1);
}

/// "KEYS * (client 127.0.0.1:40000 loader)"; long ones are cut.
std::string describe(const Value& entry) {
  std::string text;
  for (const Value& arg : entry.items[3].items) {
    if (!text.empty()) text += ' ';
    text += arg.text;
  }
  if (text.size() > kShownArguments) text = text.substr(0, kShownArguments) + "…";
  if (entry.items.size() >= 6 && !entry.items[4].text.empty())
    text += fmt::format("{}{}{}{})", kClient, entry.items[4].text,
                        entry.items[5].text.empty() ? "" : " ", entry.items[5].text);
  return text;
}

}  // namespace

std::vector<Event> SlowlogReader::read(const Value& reply, Nanos seenAt) {
  std::vector<Event> events;
  const bool first = last_ == kUnknown;
  std::int64_t newest = std::max<std::int64_t>(last_, -1);
  for (const Value& entry : reply.items) {
    if (entry.items.size() < 4 || entry.items[3].items.empty()) continue;
    const std::int64_t id = idOf(entry);
    newest = std::max(newest, id);
    if (first || id <= last_) continue;
    Event event;
    const std::int64_t micros = entry.items[2].asInteger().value_or(0);
    event.duration = saturated(std::max<std::int64_t>(micros, 0), kMicrosecond);
    event.at = saturatedSum(seenAt, -event.duration);
    event.kind = "slowlog";
    event.name = toLower(entry.items[3].items[0].text);
    event.phase = "point";
    event.detail = describe(entry);
    events.push_back(std::move(event));
  }
  last_ = newest;
  std::reverse(events.begin(), events.end());
  return events;
}

std::string_view clientNameOf(const Event& slowCommand) {
  std::string_view text = slowCommand.detail;
  const auto client = text.rfind(kClient);
  if (client == std::string_view::npos || !text.ends_with(')')) return {};
  text = text.substr(client + kClient.size());
  text.remove_suffix(1);
  const auto blank = text.find(' ');  // no client's name has one
  return blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
}

bool SlowlogReader::hasGap(const Value& reply) const {
  if (last_ == kUnknown || reply.items.empty()) return false;
  return idOf(reply.items.back()) > last_ + 1;
}

bool isOfObserver(const Event& slowCommand) {
  return std::ranges::find(kObserverClients, clientNameOf(slowCommand)) != kObserverClients.end();
}

void LatencyReader::start(const Value& latest) {
  for (const Value& event : latest.items)
    if (event.items.size() >= 2)
      last_[event.items[0].text] = event.items[1].asInteger().value_or(0);
}

std::vector<std::string> LatencyReader::changed(const Value& latest) const {
  std::vector<std::string> names;
  for (const Value& event : latest.items) {
    if (event.items.size() < 2) continue;
    const auto known = last_.find(event.items[0].text);
    if (known == last_.end() || event.items[1].asInteger().value_or(0) > known->second)
      names.push_back(event.items[0].text);
  }
  return names;
}

std::vector<Event> LatencyReader::read(const std::string& event, const Value& history,
                                       std::int64_t wallSecond, Nanos toRun, bool all) {
  std::vector<Event> events;
  std::int64_t& last = last_[event];
  const std::int64_t before = last;
  for (const Value& entry : history.items) {
    if (entry.items.size() < 2) continue;
    const std::int64_t second = entry.items[0].asInteger().value_or(0);
    if (second <= before || (!all && second >= wallSecond)) continue;
    last = std::max(last, second);
    Event point;
    point.at = saturatedSum(saturated(second, kSecond), toRun);
    point.kind = "latency";
    point.name = event;
    point.phase = "point";
    point.duration = saturated(entry.items[1].asInteger().value_or(0), kMillisecond);
    point.detail = fmt::format("longest of its second: {}", formatDuration(point.duration));
    events.push_back(std::move(point));
  }
  return events;
}

}  // namespace redline
