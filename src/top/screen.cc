#include "top/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/units.h"
#include "top/screen_parts.h"

namespace redline {
namespace {

constexpr double kBusyThread = 0.8;

const std::vector<std::size_t> kNodeWidths{22, 8, 8, 11, 9, 8, 8, 8, 7, 7};

std::string limitShareText(const TopLoad& load) {
  if (load.limit == 0) return "no limit";
  return shareText(load.memory / load.limit);
}

std::vector<std::string> figureCells(std::string first, const TopLoad& load) {
  return {std::move(first),
          countText(load.opsPerS),
          shareText(load.hitRate),
          shareText(load.mainThread),
          shortSize(load.memory),
          limitShareText(load),
          countText(load.evictedPerS),
          countText(load.expiredPerS),
          countText(load.clients),
          countText(load.keys)};
}

std::vector<ScreenLine> nodeLines(const TopView& view) {
  std::vector<ScreenLine> lines;
  lines.push_back({cellRow({"", "ops/s", "hits", "main thread", "memory", "of limit", "evict/s",
                            "expire/s", "clients", "keys"},
                           kNodeWidths),
                   kScreenGrey});
  if (view.nodes.size() > 1)
    lines.push_back({cellRow(figureCells("all masters", view.all), kNodeWidths), kScreenBold});
  for (const NodeRow& node : view.nodes) {
    const std::string name = node.role == "replica" ? node.node + " replica" : node.node;
    if (!node.problem.empty()) {
      lines.push_back({fmt::format("{:<22}  {}", name, printable(node.problem)), kScreenRed});
      continue;
    }
    lines.push_back({cellRow(figureCells(name, node.load), kNodeWidths),
                     node.load.mainThread > kBusyThread ? kScreenRed : std::string_view()});
  }
  return lines;
}

std::string eventText(const Event& event) {
  if (event.kind == "latency")
    return fmt::format("{}  {}  latency event {}: {}", clockText(event.at), event.node,
                       printable(event.name), formatDuration(event.duration));
  return fmt::format("{}  {}  {} took {}: {}", clockText(event.at), event.node,
                     printable(event.name), formatDuration(event.duration),
                     printable(event.detail, 300));
}

std::string coverageText(const TopView& view) {
  const std::string others = view.otherKeys == 0 ? std::string()
                                                 : fmt::format("; {} in other databases",
                                                               formatCount(double(view.otherKeys)));
  if (view.keys == 0)
    return std::ranges::find(view.nodes, "master", &NodeRow::role) == view.nodes.end()
               ? "keys are looked at on masters alone"
               : "no keys in database 0" + others;
  if (view.whole) return fmt::format("all {} keys seen{}", formatCount(double(view.keys)), others);
  return fmt::format("{} of {} keys seen{}", formatCount(double(view.looked)),
                     formatCount(double(view.keys)), others);
}

ScreenSection eventSection(const TopView& view) {
  ScreenSection section{"Slow log and latency events, the latest first", {}};
  for (const Event& event : view.events) section.lines.push_back({eventText(event)});
  if (section.lines.empty())
    section.lines.push_back({"none since the start of this view", kScreenGrey});
  return section;
}

ScreenSection bigKeySection(const TopView& view) {
  ScreenSection section{
      fmt::format("What would block next: the largest keys ({})", coverageText(view)), {}};
  for (const BigKey& key : view.bigKeys) {
    std::string text = fmt::format("{:>8}  {}", formatSize(key.bytes), nameText(key.name));
    if (!key.type.empty()) text += fmt::format("  {}", printable(key.type));
    if (key.elements != 0) text += fmt::format(" of {}", formatCount(double(key.elements)));
    if (key.stallS > 0)
      text += fmt::format("  {} blocks about {}", key.command, formatMicros(1e6 * key.stallS));
    section.lines.push_back({fmt::format("{}  {}", text, key.node)});
  }
  return section;
}

ScreenSection hotKeySection(const TopView& view) {
  if (!view.countsUses)
    return {"Hot keys",
            {{"cannot be told: only an LFU policy counts uses (CONFIG SET maxmemory-policy "
              "allkeys-lfu), and MONITOR would cost too much",
              kScreenGrey}}};
  ScreenSection section{fmt::format("Hot keys by OBJECT FREQ ({})", coverageText(view)), {}};
  for (const HotKey& key : view.hotKeys)
    section.lines.push_back({fmt::format(
        "{:>8}  {}  counter {}{}  {}", "~" + formatShare(key.share), nameText(key.name),
        key.counter, view.isCluster ? fmt::format("  slot {}", key.slot) : "", key.node)});
  return section;
}

ScreenSection hotSlotSection(const TopView& view) {
  ScreenSection section{
      view.countsUses ? fmt::format("Hot slots by the uses of their keys ({})", coverageText(view))
                      : fmt::format("Slots with most keys ({} counted): keys, not load",
                                    plural(view.slotsCounted, "slot")),
      {}};
  for (const HotSlot& slot : view.hotSlots)
    section.lines.push_back({fmt::format(
        "{:>8}  slot {:<5}  {}  {}",
        (view.countsUses && !view.whole ? "≥" : "") + formatShare(slot.share), slot.slot,
        slot.keys != 0 ? formatCount(double(slot.keys)) + " keys" : "", slot.node)});
  return section;
}

ScreenSection familySection(const TopView& view) {
  ScreenSection section{fmt::format("Keys by prefix ({})", coverageText(view)), {}};
  double all = 0;
  for (const KeyFamily& family : view.families) all += static_cast<double>(family.bytes);
  for (const KeyFamily& family : view.families)
    section.lines.push_back({fmt::format(
        "{:>8}  {}  {}{} keys, {} each",
        all > 0 ? formatShare(static_cast<double>(family.bytes) / all)
                : std::string(kUnknownFigure),
        nameText(family.prefix), view.whole ? "" : "~", formatCount(double(family.keys)),
        formatSize(family.keys == 0 ? 0 : family.bytes / family.keys))});
  return section;
}

std::string costText(const TopView& view) {
  return fmt::format(
      "this view costs {} commands/s and {} of the servers a second ({} of a core), "
      "and {} of a core here",
      formatCount(view.commandsPerS), formatMicros(view.serverUsPerS),
      formatShare(view.serverUsPerS / 1e6), shareText(view.ownCpu));
}

}  // namespace

std::vector<std::string> topScreen(const TopView& view, const ScreenTitle& title,
                                   const ScreenStyle& style) {
  ScreenBuilder screen(style);
  screen.add(ScreenLine{fmt::format("redline top  {}  {}{}", title.what, clockText(title.wall),
                                    title.hint.empty() ? "" : "  " + title.hint),
                        kScreenBold});
  screen.add(nodeLines(view));
  std::vector<ScreenSection> sections{eventSection(view), bigKeySection(view), hotKeySection(view)};
  if (view.isCluster) sections.push_back(hotSlotSection(view));
  sections.push_back(familySection(view));
  std::vector<ScreenLine> last;
  for (const std::string& note : view.notes) last.push_back({printable(note), kScreenGrey});
  last.push_back({costText(view), kScreenGrey});
  screen.sections(sections, last.size());
  screen.add(last);
  return screen.take();
}

std::vector<std::string> topLines(const TopView& view, Nanos wall) {
  std::vector<std::string> lines;
  const TopLoad& all = view.all;
  std::string text = fmt::format(
      "{}  {} ops/s  hits {}  main thread {}  memory {}  evicted {}/s  expired {}/s  clients {}  "
      "keys {}",
      clockText(wall), countText(all.opsPerS), shareText(all.hitRate), shareText(all.mainThread),
      shortSize(all.memory), countText(all.evictedPerS), countText(all.expiredPerS),
      countText(all.clients), countText(all.keys));
  if (!view.hotKeys.empty())
    text += fmt::format("  hottest {} ~{}", nameText(view.hotKeys.front().name),
                        formatShare(view.hotKeys.front().share));
  if (!view.bigKeys.empty())
    text += fmt::format("  largest {} {}", nameText(view.bigKeys.front().name),
                        formatSize(view.bigKeys.front().bytes));
  text += fmt::format("  observing {}/s, {}/s", formatCount(view.commandsPerS),
                      formatMicros(view.serverUsPerS));
  lines.push_back(std::move(text));
  for (const NodeRow& node : view.nodes)
    if (!node.problem.empty())
      lines.push_back(
          fmt::format("{}  {}  {}", clockText(wall), node.node, printable(node.problem)));
  for (const Event& event : view.news) lines.push_back(eventText(event));
  return lines;
}

}  // namespace redline
