#include "top/screen.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "base/units.h"
#include "report/text.h"

namespace redline {
namespace {

constexpr std::size_t kLongestName = 40;
constexpr std::string_view kUnknown = "–";
constexpr std::string_view kBold = "\x1b[1m", kRed = "\x1b[31m", kGrey = "\x1b[90m",
                           kPlain = "\x1b[0m";
constexpr double kBusyThread = 0.8;

std::string clockText(Nanos wall) {
  const auto seconds = static_cast<std::time_t>(wall / kSecond);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::string countText(double value) {
  return std::isnan(value) ? std::string(kUnknown) : formatCount(value);
}
std::string shareText(double value) {
  return std::isnan(value) ? std::string(kUnknown) : formatShare(value);
}
std::string sizeText(double bytes) {
  return formatSize(static_cast<std::uint64_t>(bytes));
}
std::string nameText(std::string_view name) {
  return shortened(printable(name), kLongestName);
}

/// A line and how it is shown.
struct Line {
  std::string text;
  std::string_view colour = {};
};

/// A table's row: the first cell to the left, the others to the right.
std::string row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
  const auto columns = [](std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
  };
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::size_t fill = widths[i] - std::min(widths[i], columns(cells[i]));
    if (i != 0) text += "  " + std::string(fill, ' ');
    text += cells[i];
    if (i == 0) text += std::string(fill, ' ');
  }
  return text;
}

const std::vector<std::size_t> kNodeWidths{22, 8, 8, 11, 9, 8, 8, 8, 7, 7};

std::vector<std::string> figureCells(std::string first, const LoadFigures& load) {
  return {std::move(first),
          countText(load.opsPerS),
          shareText(load.hitRate),
          shareText(load.mainThread),
          sizeText(load.memory),
          load.limit > 0 ? formatShare(load.memory / load.limit) : "no limit",
          countText(load.evictedPerS),
          countText(load.expiredPerS),
          formatCount(load.clients),
          formatCount(load.keys)};
}

std::vector<Line> nodeLines(const TopView& view) {
  std::vector<Line> lines;
  lines.push_back({row({"", "ops/s", "hits", "main thread", "memory", "of limit", "evict/s",
                        "expire/s", "clients", "keys"},
                       kNodeWidths),
                   kGrey});
  if (view.nodes.size() > 1)
    lines.push_back({row(figureCells("all masters", view.all), kNodeWidths), kBold});
  for (const NodeRow& node : view.nodes) {
    const std::string name = node.role == "replica" ? fmt::format("  {} r", node.node) : node.node;
    if (!node.problem.empty()) {
      lines.push_back({fmt::format("{:<22}  {}", name, printable(node.problem)), kRed});
      continue;
    }
    lines.push_back({row(figureCells(name, node.load), kNodeWidths),
                     node.load.mainThread > kBusyThread ? kRed : std::string_view()});
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
  if (view.keys == 0) return "no keys";
  if (view.whole) return fmt::format("all {} keys seen", formatCount(double(view.keys)));
  return fmt::format("{} of {} keys seen", formatCount(double(view.looked)),
                     formatCount(double(view.keys)));
}

/// A heading, and the lines below it.
struct Section {
  std::string heading;
  std::vector<Line> lines;
};

Section eventSection(const TopView& view) {
  Section section{"Slow log and latency events, the latest first", {}};
  for (const Event& event : view.events) section.lines.push_back({eventText(event)});
  if (section.lines.empty()) section.lines.push_back({"none since the start of this view", kGrey});
  return section;
}

Section bigKeySection(const TopView& view) {
  Section section{fmt::format("What would block next: the largest keys ({})", coverageText(view)),
                  {}};
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

Section hotKeySection(const TopView& view) {
  if (!view.countsUses)
    return {"Hot keys",
            {{"cannot be told: only an LFU policy counts uses (CONFIG SET maxmemory-policy "
              "allkeys-lfu), and MONITOR would cost too much",
              kGrey}}};
  Section section{fmt::format("Hot keys by OBJECT FREQ ({})", coverageText(view)), {}};
  for (const HotKey& key : view.hotKeys)
    section.lines.push_back({fmt::format(
        "{:>8}  {}  counter {}{}  {}", "~" + formatShare(key.share), nameText(key.name),
        key.counter, view.isCluster ? fmt::format("  slot {}", key.slot) : "", key.node)});
  return section;
}

Section hotSlotSection(const TopView& view) {
  Section section{view.countsUses
                      ? fmt::format("Hot slots by the uses of their keys ({})", coverageText(view))
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

Section familySection(const TopView& view) {
  Section section{fmt::format("Keys by prefix ({})", coverageText(view)), {}};
  double all = 0;
  for (const KeyFamily& family : view.families) all += static_cast<double>(family.bytes);
  for (const KeyFamily& family : view.families)
    section.lines.push_back({fmt::format(
        "{:>8}  {}  {}{} keys, {} each",
        all > 0 ? formatShare(static_cast<double>(family.bytes) / all) : std::string(kUnknown),
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

class ScreenBuilder {
 public:
  explicit ScreenBuilder(const ScreenStyle& style) : style_(style) {}

  void add(const Line& line) {
    const std::string text = shortened(line.text, style_.columns);
    lines_.push_back(style_.coloured && !line.colour.empty()
                         ? fmt::format("{}{}{}", line.colour, text, kPlain)
                         : text);
  }
  void add(const std::vector<Line>& lines) {
    for (const Line& line : lines) add(line);
  }

  /// Each gets its heading and an even share of the rows that are left; what one does not need the
  /// next ones get.
  void sections(const std::vector<Section>& sections, std::size_t reserved) {
    for (std::size_t i = 0; i < sections.size(); ++i) {
      const Section& section = sections[i];
      std::size_t room = section.lines.size();
      if (style_.rows != 0) {
        const std::size_t used = lines_.size() + reserved;
        const std::size_t left = style_.rows > used ? style_.rows - used : 0;
        const std::size_t share = left / (sections.size() - i);
        if (share < 2) continue;
        room = std::min(room, share - (share > 3 ? 2 : 1));
        if (share > 3) add(Line{});
      } else {
        add(Line{});
      }
      add(Line{section.heading, kBold});
      for (std::size_t line = 0; line < room; ++line) add(section.lines[line]);
    }
  }

  std::vector<std::string> take() { return std::move(lines_); }

 private:
  ScreenStyle style_;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> topScreen(const TopView& view, const ScreenTitle& title,
                                   const ScreenStyle& style) {
  ScreenBuilder screen(style);
  screen.add(Line{fmt::format("redline top  {}  {}{}", title.what, clockText(title.wall),
                              title.hint.empty() ? "" : "  " + title.hint),
                  kBold});
  screen.add(nodeLines(view));
  std::vector<Section> sections{eventSection(view), bigKeySection(view), hotKeySection(view)};
  if (view.isCluster) sections.push_back(hotSlotSection(view));
  sections.push_back(familySection(view));
  std::vector<Line> last;
  for (const std::string& note : view.notes) last.push_back({printable(note), kGrey});
  last.push_back({costText(view), kGrey});
  screen.sections(sections, last.size());
  screen.add(last);
  return screen.take();
}

std::vector<std::string> topLines(const TopView& view, Nanos wall) {
  std::vector<std::string> lines;
  const LoadFigures& all = view.all;
  std::string text = fmt::format(
      "{}  {} ops/s  hits {}  main thread {}  memory {}  evicted {}/s  expired {}/s  clients {}  "
      "keys {}",
      clockText(wall), countText(all.opsPerS), shareText(all.hitRate), shareText(all.mainThread),
      sizeText(all.memory), countText(all.evictedPerS), countText(all.expiredPerS),
      formatCount(all.clients), formatCount(all.keys));
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
