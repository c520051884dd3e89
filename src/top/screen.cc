#include "top/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <span>

#include "base/text.h"
#include "base/units.h"
#include "server/key_look.h"
#include "top/screen_parts.h"

namespace redline {
namespace {

constexpr double kBusyThread = 0.8;
constexpr double kWorthSaying = 0.01;  ///< of a figure: less is not told apart

constexpr std::size_t kNameWidth = 22;  ///< "127.0.0.1:7700 replica"
constexpr std::size_t kNarrowest = 30;  ///< columns: a name and the first figure

std::string limitShareText(const TopLoad& load) {
  if (load.limit == 0) return "no limit";
  return shareText(load.memory / load.limit);
}

/// A figure of each server.
struct NodeColumn {
  std::string_view heading;
  std::size_t width;
  std::string (*text)(const TopLoad& load);
};

/// The least important last: they go where there is no room.
constexpr std::array<NodeColumn, 9> kNodeColumns{
    {{"ops/s", 6, [](const TopLoad& load) { return countText(load.opsPerS); }},
     {"hits", 6, [](const TopLoad& load) { return shareText(load.hitRate); }},
     {"main thread", 11, [](const TopLoad& load) { return shareText(load.mainThread); }},
     {"memory", 8, [](const TopLoad& load) { return shortSize(load.memory); }},
     {"of limit", 8, limitShareText},
     {"evict/s", 7, [](const TopLoad& load) { return countText(load.evictedPerS); }},
     {"expire/s", 8, [](const TopLoad& load) { return countText(load.expiredPerS); }},
     {"keys", 6, [](const TopLoad& load) { return countText(load.keys); }},
     {"clients", 7, [](const TopLoad& load) { return countText(load.clients); }}}};

/// As many as a screen of so many columns has room for beside a name.
std::span<const NodeColumn> columnsThatFit(std::size_t columns) {
  std::size_t fit = 0, used = kNameWidth;
  while (fit < kNodeColumns.size() &&
         (columns == 0 || used + 2 + kNodeColumns[fit].width <= columns))
    used += 2 + kNodeColumns[fit++].width;
  return std::span(kNodeColumns).first(fit);
}

std::string figureRow(std::string first, std::span<const NodeColumn> columns, const auto& text) {
  std::vector<std::string> cells{std::move(first)};
  std::vector<std::size_t> widths{kNameWidth};
  for (const NodeColumn& column : columns) {
    cells.push_back(text(column));
    widths.push_back(column.width);
  }
  return cellRow(cells, widths);
}

/// What the table has no room for: "all masters: expire/s 4, keys 1M, clients 51".
std::vector<ScreenLine> otherFigures(const TopView& view, std::size_t fit) {
  if (fit == kNodeColumns.size() || view.nodes.empty()) return {};
  std::vector<std::string> parts;
  for (const NodeColumn& column : std::span(kNodeColumns).subspan(fit))
    parts.push_back(fmt::format("{} {}", column.heading, column.text(view.all)));
  return {
      {fmt::format("{}{}", view.nodes.size() > 1 ? "all masters: " : "", fmt::join(parts, ", ")),
       {},
       true}};
}

std::vector<ScreenLine> nodeLines(const TopView& view, std::size_t width) {
  const auto columns = columnsThatFit(width);
  const auto row = [&](std::string first, const TopLoad& load) {
    return figureRow(std::move(first), columns,
                     [&load](const NodeColumn& column) { return column.text(load); });
  };
  std::vector<ScreenLine> lines{
      {figureRow("", columns, [](const NodeColumn& column) { return std::string(column.heading); }),
       kScreenGrey}};
  if (view.nodes.size() > 1) lines.push_back({row("all masters", view.all), kScreenBold});
  for (const NodeRow& node : view.nodes) {
    const std::string name = node.role == "replica" ? node.node + " replica" : node.node;
    if (!node.problem.empty()) {
      lines.push_back({fmt::format("{:<{}}  {:>6}  {}", name, kNameWidth, kUnknownFigure,
                                   printable(node.problem)),
                       kScreenRed, true});
      continue;
    }
    lines.push_back({row(name, node.load),
                     node.load.mainThread > kBusyThread ? kScreenRed : std::string_view()});
  }
  std::ranges::move(otherFigures(view, columns.size()), std::back_inserter(lines));
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

/// Why no keys are looked at.
std::string withoutMaster(const TopView& view) {
  return std::ranges::all_of(view.nodes, &std::string::empty, &NodeRow::role)
             ? "not known: nor are the servers' roles, since INFO cannot be read"
             : "keys are looked at on masters alone";
}

std::string coverageText(const TopView& view) {
  const std::string others = view.otherKeys == 0 ? std::string()
                                                 : fmt::format("; {} in other databases",
                                                               formatCount(double(view.otherKeys)));
  if (view.keys == 0)
    return std::ranges::find(view.nodes, "master", &NodeRow::role) == view.nodes.end()
               ? withoutMaster(view)
               : "no keys in database 0" + others;
  if (view.whole) return fmt::format("all {} keys seen{}", formatCount(double(view.keys)), others);
  return fmt::format("{} of {} keys seen{}", formatCount(double(view.looked)),
                     formatCount(double(view.keys)), others);
}

ScreenSection eventSection(const TopView& view) {
  ScreenSection section{"Slow log and latency events, the latest first", {}};
  for (const Event& event : view.events) section.lines.push_back({eventText(event)});
  if (section.lines.empty())
    section.lines.push_back({view.eventsKnown
                                 ? "none since the start of this view"
                                 : "none that could be read since the start of this view",
                             kScreenGrey});
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

std::string withoutUses(const TopView& view) {
  if (view.policy.empty())
    return "cannot be told: whether the servers count uses is not known, since INFO cannot be read";
  if (countsUses(view.policy)) return fmt::format("none known ({})", coverageText(view));
  return fmt::format(
      "cannot be told: only an LFU policy counts uses (maxmemory-policy is {}), and MONITOR would "
      "cost too much",
      printable(view.policy));
}

ScreenSection hotKeySection(const TopView& view) {
  if (!view.countsUses) return {"Hot keys", {{withoutUses(view), kScreenGrey, true}}};
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

/// "~1M keys", "3 seen" where nothing says how many there are beside these.
std::string familyCountText(const KeyFamily& family, bool whole) {
  const std::string count = formatCount(double(family.keys));
  if (whole) return count + (family.keys == 1 ? " key" : " keys");
  return family.onceKeys == family.keys ? count + " seen" : fmt::format("~{} keys", count);
}

ScreenSection familySection(const TopView& view) {
  ScreenSection section{fmt::format("Keys by prefix ({})", coverageText(view)), {}};
  for (const KeyFamily& family : view.families)
    section.lines.push_back(
        {fmt::format("{:>8}  {}  {}, {} each",
                     view.familyBytes > 0 ? formatShare(shareOf(family.bytes, view.familyBytes))
                                          : std::string(kUnknownFigure),
                     nameText(family.prefix), familyCountText(family, view.whole),
                     formatSize(family.keys == 0 ? 0 : family.bytes / family.keys))});
  return section;
}

/// Empty where all is well.
std::string healthText(const TopView& view) {
  return view.isCluster ? printable(view.health.problem()) : std::string();
}

/// A part of a figure that is worth to be told.
bool isPart(double part, double whole) {
  return part >= 1 && part >= kWorthSaying * whole;
}

/// What of the figures is not the load's.
std::vector<ScreenLine> shareLines(const TopLoad& all) {
  std::vector<ScreenLine> lines;
  if (isPart(all.pingsPerS, all.opsPerS))
    lines.push_back({fmt::format("of the ops/s {} are PING: of health checks, or of a driver with "
                                 "-chaos, which asks each server 1000 times a second",
                                 formatCount(all.pingsPerS)),
                     kScreenGrey, true});
  if (isPart(all.expiredByUsPerS, all.expiredPerS))
    lines.push_back({fmt::format("of the expire/s about {} are this view's: SCAN removes expired "
                                 "keys that it meets",
                                 formatCount(all.expiredByUsPerS)),
                     kScreenGrey, true});
  return lines;
}

std::string costText(const TopView& view) {
  std::string text =
      std::isnan(view.commandsPerS)
          ? std::string("what this view costs the servers is not known")
          : fmt::format(
                "this view costs {} commands/s and {} of the servers a second ({} of a core)",
                formatCount(view.commandsPerS), formatMicros(view.serverUsPerS),
                formatShare(view.serverUsPerS / 1e6));
  if (!std::isnan(view.ownCpu))
    text += fmt::format(", and {} of a core here", formatShare(view.ownCpu));
  return text;
}

}  // namespace

std::vector<std::string> topScreen(const TopView& view, const ScreenTitle& title,
                                   const ScreenStyle& style) {
  ScreenBuilder screen(style);
  if (style.columns != 0 && style.columns < kNarrowest) {
    screen.add({fmt::format("{} ops/s", countText(view.all.opsPerS)), kScreenBold, true});
    screen.add({fmt::format("The rest needs {} columns.", kNarrowest), {}, true});
    return screen.take();
  }
  screen.add(ScreenLine{fmt::format("redline top  {}  {}{}", title.what, clockText(title.wall),
                                    title.hint.empty() ? "" : "  " + title.hint),
                        kScreenBold, true});
  if (const std::string problem = healthText(view); !problem.empty())
    screen.add(ScreenLine{problem, kScreenRed, true});
  screen.add(nodeLines(view, style.columns));
  std::vector<ScreenSection> sections{eventSection(view), bigKeySection(view), hotKeySection(view)};
  if (view.isCluster) sections.push_back(hotSlotSection(view));
  sections.push_back(familySection(view));
  std::vector<ScreenLine> last;
  for (const std::string& note : view.notes) last.push_back({printable(note), kScreenGrey, true});
  std::ranges::move(shareLines(view.all), std::back_inserter(last));
  last.push_back({costText(view), kScreenGrey, true});
  screen.sections(sections, screen.fitted(last).size());
  screen.add(last);
  return screen.take();
}

std::vector<std::string> topLines(const TopView& view, Nanos wall) {
  std::vector<std::string> lines;
  const TopLoad& all = view.all;
  std::string text = fmt::format(
      "{}  {} ops/s{}  hits {}  main thread {}  memory {}  evicted {}/s  expired {}/s  clients {}  "
      "keys {}",
      clockText(wall), countText(all.opsPerS),
      isPart(all.pingsPerS, all.opsPerS) ? fmt::format(" ({} PING)", formatCount(all.pingsPerS))
                                         : "",
      shareText(all.hitRate), shareText(all.mainThread), shortSize(all.memory),
      countText(all.evictedPerS), countText(all.expiredPerS), countText(all.clients),
      countText(all.keys));
  if (!view.hotKeys.empty())
    text += fmt::format("  hottest {} ~{}", nameText(view.hotKeys.front().name),
                        formatShare(view.hotKeys.front().share));
  if (!view.bigKeys.empty())
    text += fmt::format("  largest {} {}", nameText(view.bigKeys.front().name),
                        formatSize(view.bigKeys.front().bytes));
  text += fmt::format("  observing {}/s, {}/s", countText(view.commandsPerS),
                      shortSeconds(view.serverUsPerS / 1e6));
  const auto missing =
      std::ranges::count_if(view.nodes, [](const NodeRow& node) { return !node.problem.empty(); });
  if (missing != 0) text += fmt::format("  without {} of {} nodes", missing, view.nodes.size());
  lines.push_back(std::move(text));
  const auto news = [&](std::string_view of, const std::string& words) {
    lines.push_back(fmt::format("{}  {}  {}", clockText(wall), of, words));
  };
  if (view.isCluster && view.healthTurned) {
    const std::string problem = healthText(view);
    news("cluster", problem.empty() ? "cluster_state ok" : problem);
  }
  for (const NodeRow& node : view.nodes) {
    if (node.problemBegan) news(node.node, printable(node.problem));
    if (node.problemEnded) news(node.node, "answers");
  }
  for (const Event& event : view.news) lines.push_back(eventText(event));
  return lines;
}

}  // namespace redline
