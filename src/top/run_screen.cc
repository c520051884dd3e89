#include "top/run_screen.h"

#include <fmt/format.h>

#include "base/text.h"
#include "json/json.h"
#include "top/screen_parts.h"

namespace redline {
namespace {

const std::vector<std::size_t> kLatencyWidths{12, 10, 10, 10};
const std::vector<std::size_t> kRunNodeWidths{22, 10, 11, 8, 7, 8};

std::string targetText(const RunView& view) {
  return view.target > 0 ? countText(view.target) + "/s" : "as fast as replies allow";
}

/// "no load", "run one  phase measure".
std::string runText(const RunView& view) {
  return fmt::format("{}{}", view.run.empty() ? "" : fmt::format("run {}  ", view.run),
                     view.hasLoad ? "phase " + view.phase : "no load");
}

/// Of a run without load: "faults bgsave  127.0.0.1:7600 1.2k commands/s".
std::string faultsText(const RunView& view) {
  std::string text =
      fmt::format("no load  faults {}",
                  view.faults.empty() ? "none" : fmt::format("{}", fmt::join(view.faults, ", ")));
  for (const RunNode& node : view.nodes)
    text += fmt::format("  {} {} commands/s", node.addr, countText(node.opsPerS));
  return text;
}

std::vector<ScreenLine> loadLines(const RunView& view) {
  return {{fmt::format("{}/s of {}  hits {}  failed {}/s  outstanding {}  backlog {}  generator "
                       "busy {}",
                       countText(view.achieved), targetText(view), shareText(view.hitRate),
                       countText(view.failedPerS), countText(view.outstanding),
                       countText(view.backlog), shareText(view.generatorBusy)),
           {},
           true}};
}

std::vector<ScreenLine> latencyLines(const RunView& view) {
  const auto row = [](std::string name, const RunView::Percentiles& of) {
    return ScreenLine{cellRow(
        {std::move(name), shortSeconds(of.p50), shortSeconds(of.p99), shortSeconds(of.p999)},
        kLatencyWidths)};
  };
  return {{cellRow({"latency", "p50", "p99", "p99.9"}, kLatencyWidths), kScreenGrey},
          row("response", view.response),
          row("service", view.service),
          row("lateness", view.lateness)};
}

std::string listText(const std::map<std::string, double>& counts) {
  std::vector<std::string> parts;
  for (const auto& [name, count] : counts)
    parts.push_back(fmt::format("{} {}", name, countText(count)));
  return parts.empty() ? "none" : fmt::format("{}", fmt::join(parts, ", "));
}

ScreenSection nodeSection(const RunView& view) {
  ScreenSection section{"Servers, by the INFO beside the run", {}};
  section.lines.push_back(
      {cellRow({"", "commands/s", "main thread", "memory", "evict/s", "expire/s"}, kRunNodeWidths),
       kScreenGrey});
  for (const RunNode& node : view.nodes)
    section.lines.push_back(
        {cellRow({node.addr, countText(node.opsPerS), shareText(node.mainThread),
                  shortSize(node.memory), countText(node.evictedPerS), countText(node.expiredPerS)},
                 kRunNodeWidths)});
  return section;
}

}  // namespace

std::vector<std::string> runScreen(const RunView& view, const ScreenTitle& title,
                                   const ScreenStyle& style) {
  ScreenBuilder screen(style);
  screen.add(ScreenLine{fmt::format("redline top  {}  {}{}", title.what, clockText(title.wall),
                                    title.hint.empty() ? "" : "  " + title.hint),
                        kScreenBold, true});
  screen.add(ScreenLine{runText(view), {}, true});
  if (view.hasLoad) screen.add(loadLines(view));
  if (!view.faults.empty())
    screen.add(ScreenLine{fmt::format("faults under way: {}", fmt::join(view.faults, ", ")),
                          kScreenRed, true});
  if (view.hasLoad) {
    screen.add(ScreenLine{});
    screen.add(latencyLines(view));
  }
  std::vector<ScreenSection> sections{nodeSection(view)};
  if (!view.hotSlots.empty()) {
    ScreenSection& hot = sections.emplace_back();
    hot.heading = "Hot slots: share of the operations so far";
    for (const auto& [slot, share] : view.hotSlots)
      hot.lines.push_back({fmt::format("{:>8}  slot {}", shareText(share), slot)});
  }
  std::vector<ScreenLine> last;
  if (view.hasLoad)
    last = {
        {fmt::format("errors {}; redirects {}", listText(view.errors), listText(view.redirects)),
         kScreenGrey, true},
        {"percentiles are of what completed since the reading before, interpolated in the page's "
         "buckets; the summary's are exact",
         kScreenGrey, true}};
  screen.sections(sections, screen.fitted(last).size());
  screen.add(last);
  return screen.take();
}

std::string runLine(const RunView& view, Nanos wall) {
  if (!view.hasLoad) return printable(fmt::format("{}  {}", clockText(wall), faultsText(view)));
  return printable(fmt::format(
      "{}  {}  {}/s of {}  response p50 {} p99 {} p99.9 {}  hits {}  failed {}/s  backlog {}",
      clockText(wall), view.phase, countText(view.achieved), targetText(view),
      shortSeconds(view.response.p50), shortSeconds(view.response.p99),
      shortSeconds(view.response.p999), shareText(view.hitRate), countText(view.failedPerS),
      countText(view.backlog)));
}

void visit(auto& json, MappedAs<RunView::Percentiles> auto& figures) {
  json.numberOrNaN("p50_s", figures.p50);
  json.numberOrNaN("p99_s", figures.p99);
  json.numberOrNaN("p999_s", figures.p999);
}

void visit(auto& json, MappedAs<RunNode> auto& node) {
  json.field("addr", node.addr);
  json.numberOrNaN("ops_per_s", node.opsPerS);
  json.numberOrNaN("main_thread_busy", node.mainThread);
  json.numberOrNaN("memory_bytes", node.memory);
  json.numberOrNaN("evicted_per_s", node.evictedPerS);
  json.numberOrNaN("expired_per_s", node.expiredPerS);
}

std::string runJson(const RunView& view, Nanos wall) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.schema(1);
  json.field("at_unix_s", toSeconds(wall));
  json.field("run", view.run);
  json.field("phase", view.phase);
  json.field("load", view.hasLoad);
  json.numberOrNaN("target_per_s", view.target);
  json.numberOrNaN("achieved_per_s", view.achieved);
  json.numberOrNaN("failed_per_s", view.failedPerS);
  json.numberOrNaN("outstanding", view.outstanding);
  json.numberOrNaN("backlog", view.backlog);
  json.numberOrNaN("hit_rate", view.hitRate);
  json.numberOrNaN("generator_busy", view.generatorBusy);
  json.field("response", view.response);
  json.field("service", view.service);
  json.field("lateness", view.lateness);
  json.field("errors", NumberPairs(view.errors.begin(), view.errors.end()));
  json.field("redirects", NumberPairs(view.redirects.begin(), view.redirects.end()));
  json.field("faults", view.faults);
  json.field("nodes", view.nodes);
  json.field("hot_slots", NumberPairs(view.hotSlots.begin(), view.hotSlots.end()));
  return document.text(-1);
}

}  // namespace redline
