#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/periodic.h"
#include "cmd/commands.h"
#include "cmd/common_flags.h"
#include "cmd/flag_values.h"
#include "cmd/heal_advice.h"
#include "cmd/help.h"
#include "cmd/interrupts.h"
#include "cmd/tls_flags.h"
#include "cmd/topology.h"
#include "os/console.h"
#include "os/files.h"
#include "os/full_screen.h"
#include "top/run_screen.h"
#include "top/run_view.h"
#include "top/screen.h"
#include "top/session.h"

namespace redline {
namespace {

constexpr Nanos kGlance = 50 * kMillisecond;  ///< between two looks at keys and signals

std::vector<FlagSpec> topFlags() {
  constexpr std::string_view kGroup = "What is shown";
  return {{.name = "interval",
           .kind = ValueKind::duration,
           .fallback = "1s",
           .help = "between two readings",
           .example = "5s",
           .group = kGroup,
           .positive = true,
           .least = "100ms",
           .most = "24h"},
          {.name = "once",
           .kind = ValueKind::boolean,
           .fallback = "false",
           .help = "print the view of one interval, and end",
           .group = kGroup},
          {.name = "budget",
           .kind = ValueKind::share,
           .fallback = "1%",
           .help = "share of each master's main thread that looking at its keys may take, by "
                   "commandstats",
           .example = "5%",
           .group = kGroup,
           .positive = true},
          {.name = "metrics",
           .kind = ValueKind::hostPort,
           .help = "watch a run of redline instead: the HOST:PORT of its own -metrics",
           .example = "127.0.0.1:9121",
           .group = kGroup,
           .whenEmpty = "the servers at -addr"},
          {.name = "json",
           .kind = ValueKind::path,
           .help = "append a line of JSON for each interval to this file; -: to standard output, "
                   "without a screen",
           .example = "top.jsonl",
           .group = "Output",
           .whenEmpty = "not written"}};
}

/// Where the lines of -json go.
class JsonLines {
 public:
  static Result<JsonLines> open(const std::string& path) {
    JsonLines lines;
    lines.toOutput_ = path == "-";
    if (path.empty() || lines.toOutput_) return lines;
    auto file = AppendFile::open(path);
    if (!file) return fail(std::move(file.error()));
    lines.file_ = std::move(*file);
    return lines;
  }

  bool toOutput() const { return toOutput_; }
  Status write(const std::string& json) {
    if (toOutput_) return writeResult("-", json + "\n");
    return file_ == nullptr ? Status{} : file_->append(json + "\n");
  }

 private:
  bool toOutput_ = false;
  std::unique_ptr<AppendFile> file_;
};

/// What is shown at one time.
struct Shown {
  std::function<std::vector<std::string>(const ScreenTitle&, const ScreenStyle&)> screen;
  std::vector<std::string> lines;  ///< where there is no screen
};

/// Shows things on a terminal, or as lines.
class TopDisplay {
 public:
  static Result<TopDisplay> make(std::string what, bool once, bool silent) {
    TopDisplay display;
    display.what_ = std::move(what);
    display.once_ = once;
    display.silent_ = silent;
    display.coloured_ = terminalStyle().bold;
    if (once || silent || !FullScreen::isPossible()) return display;
    auto screen = FullScreen::open();
    if (!screen) return fail(std::move(screen.error()));
    display.screen_ = std::make_unique<FullScreen>(std::move(*screen));
    return display;
  }

  void show(Shown shown, Nanos wall) {
    if (silent_) return;
    shown_ = std::move(shown);
    wall_ = wall;
    if (screen_ != nullptr) return draw();
    const std::size_t columns = isatty(STDOUT_FILENO) == 1 ? terminalStyle().width : 0;
    const std::vector<std::string> lines =
        once_ ? shown_.screen({what_, wall, ""}, {columns, 0, coloured_}) : shown_.lines;
    for (const std::string& line : lines) writeOut(line + "\n");
  }

  /// Waits until then; false: somebody wants it to end.
  bool waitUntil(Nanos when, const Interrupts& interrupts) {
    while (!interrupts.received() && resultsWritten()) {
      const Nanos left = when - SteadyClock::read();
      if (left <= 0) return true;
      const Nanos wait = std::min(left, kGlance);
      if (screen_ == nullptr) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(wait));
        continue;
      }
      const auto key = screen_->key(wait);
      if (key == 'q' || key == 'Q') return false;
      const FullScreen::Size size = screen_->size();
      if (shown_.screen && (size.columns != drawn_.columns || size.rows != drawn_.rows)) draw();
    }
    return false;
  }

 private:
  TopDisplay() = default;

  void draw() {
    drawn_ = screen_->size();
    screen_->draw(
        shown_.screen({what_, wall_, "q quits"}, {drawn_.columns, drawn_.rows, coloured_}));
  }

  std::string what_;
  bool once_ = false, silent_ = false, coloured_ = false;
  std::unique_ptr<FullScreen> screen_;
  FullScreen::Size drawn_;
  Shown shown_;
  Nanos wall_ = 0;
};

TopPlan topPlan(const FlagValues& flags, const Credentials& credentials) {
  TopPlan plan;
  plan.credentials = credentials;
  plan.servers = flags.endpoints("addr");
  plan.cluster = flags.is("topology", "cluster");
  plan.interval = flags.duration("interval");
  plan.budget = flags.number("budget");
  return plan;
}

/// The session's view, with the advice that fits the servers of our stacks.
std::shared_ptr<const TopView> viewOf(TopSession& session, Nanos now) {
  auto view = std::make_shared<TopView>(session.view(now));
  for (NodeRow& node : view->nodes) node.problem = withHealAdvice(std::move(node.problem));
  return view;
}

Result<ExitCode> watchServers(const Invocation& invocation, JsonLines& json) {
  const auto credentials = credentialsFrom(invocation.flags, invocation.password);
  if (!credentials) return fail(credentials.error());
  const auto topology = withTopology(invocation.flags, *credentials);
  if (!topology) return fail(topology.error());
  TopPlan plan = topPlan(topology->flags, *credentials);
  const bool once = topology->flags.on("once");
  const Nanos interval = plan.interval;
  const std::string what =
      fmt::format("{}{}", plan.cluster ? "cluster of " : "", plan.servers.front().text());
  const Interrupts interrupts;
  TopSession session(std::move(plan));
  if (auto found = session.refresh(SteadyClock::read()); !found) return fail(found.error());
  auto display = TopDisplay::make(what, once, json.toOutput());
  if (!display) return fail(display.error());
  for (Nanos next = SteadyClock::read() + interval; display->waitUntil(next, interrupts);
       next = nextDue(next, interval, SteadyClock::read())) {
    const Nanos now = SteadyClock::read();
    if (auto found = session.refresh(now); !found) return fail(found.error());
    if (once && !session.hasRates()) {
      next = SteadyClock::read() + kGlance - interval;
      continue;
    }
    const Nanos wall = wallNow();
    const auto view = viewOf(session, now);
    if (auto written = json.write(topJson(*view, wall)); !written) return fail(written.error());
    display->show({[view](const ScreenTitle& title, const ScreenStyle& style) {
                     return topScreen(*view, title, style);
                   },
                   topLines(*view, wall)},
                  wall);
    // A view without a figure says why: it is no good to a script.
    if (once)
      return std::ranges::all_of(view->nodes,
                                 [](const NodeRow& node) { return !node.problem.empty(); })
                 ? ExitCode::failed
                 : ExitCode::good;
  }
  return ExitCode::good;
}

Result<ExitCode> watchRun(const FlagValues& flags, JsonLines& json) {
  const auto endpoint = parseEndpoint(flags.text("metrics"));
  if (!endpoint) return fail(endpoint.error());
  auto before = readMetrics(*endpoint);
  if (!before) return fail(before.error());
  Nanos readAt = SteadyClock::read();
  const bool once = flags.on("once");
  const Nanos interval = flags.duration("interval");
  const Interrupts interrupts;
  auto display = TopDisplay::make("run at " + endpoint->text(), once, json.toOutput());
  if (!display) return fail(display.error());
  for (Nanos next = readAt + interval; display->waitUntil(next, interrupts);
       next = nextDue(next, interval, SteadyClock::read())) {
    auto page = readMetrics(*endpoint);
    // The run is over: what it came to is in its summary.
    if (!page) break;
    const Nanos now = SteadyClock::read(), wall = wallNow();
    const auto view =
        std::make_shared<const RunView>(runView(*before, *page, toSeconds(now - readAt)));
    before = std::move(page);
    readAt = now;
    if (auto written = json.write(runJson(*view, wall)); !written) return fail(written.error());
    display->show({[view](const ScreenTitle& title, const ScreenStyle& style) {
                     return runScreen(*view, title, style);
                   },
                   {runLine(*view, wall)}},
                  wall);
    if (once) break;
  }
  return ExitCode::good;
}

Result<ExitCode> runTop(const Invocation& invocation) {
  if (auto good = checkFileFlag(invocation.flags, "json"); !good) return fail(good.error());
  auto json = JsonLines::open(invocation.flags.text("json"));
  if (!json) return fail(json.error());
  return invocation.flags.empty("metrics") ? watchServers(invocation, *json)
                                           : watchRun(invocation.flags, *json);
}

}  // namespace

Command topCommand() {
  Command command;
  command.name = "top";
  command.summary = "watch a server or a cluster under anybody's load";
  command.about =
      "Shows rates, hits, the main thread, memory, evictions, new entries of the slow log and the "
      "latency monitor, and by looking at keys a few at a time the hottest keys and slots, and "
      "what "
      "would block the server next. Sends commands that only read, never MONITOR, and says what it "
      "costs. On a terminal it redraws in place until q or Ctrl-C; elsewhere it prints lines.";
  command.flags = joinFlags({topFlags(), targetFlags(), configFlag()});
  command.examples = {
      {"redline top", "the server on 127.0.0.1:7600"},
      {"redline top -addr=127.0.0.1:7700 -interval=2s", "all nodes of that cluster"},
      {"redline top -addr=127.0.0.1:7700 -once -budget=10%", "one view, with more keys looked at"},
      {"redline top -json=-", "a line of JSON a second"},
      {"redline top -metrics=127.0.0.1:9121", "a run of 'redline driver -metrics=127.0.0.1:9121'"},
  };
  command.more =
      "docs/top.md says what each figure is and what a sample can tell; docs/permissions.md what a "
      "user must be allowed.";
  command.run = runTop;
  return command;
}

}  // namespace redline
