#include "report/blame_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/units.h"
#include "model/statistics.h"
#include "report/text.h"

namespace redline {
namespace {

bool touches(const Span& a, const Span& b) {
  return a.start < b.end && b.start < a.end;
}

/// One server's samples, each with the one before it: what happened between them.
class Between {
 public:
  Between(const RunData& run, const std::string& addr) {
    for (const ServerSample& sample : run.dir.servers)
      if (sample.addr == addr) samples_.push_back(&sample);
  }

  template <typename Visit>
  void each(Visit&& visit) const {
    for (std::size_t i = 1; i < samples_.size(); ++i)
      visit(Span{toSeconds(samples_[i - 1]->at), toSeconds(samples_[i]->at)}, *samples_[i - 1],
            *samples_[i]);
  }

  /// How much a counter grew in the steps that touch `window`; a restart counts from zero.
  double grown(const Span& window, std::string_view field) const {
    double sum = 0;
    each([&](const Span& step, const ServerSample& before, const ServerSample& after) {
      if (!touches(step, window)) return;
      const double from = before.number(field), to = after.number(field);
      sum += to >= from ? to - from : to;
    });
    return sum;
  }

  /// Growth a second: of the steps that touch `window`, and the median of all the others.
  struct Rates {
    double within = 0, usual = 0;
  };
  Rates rates(const Span& window, std::string_view field) const {
    double grown = 0, length = 0;
    std::vector<double> others;
    each([&](const Span& step, const ServerSample& before, const ServerSample& after) {
      const double growth = std::max(0.0, after.number(field) - before.number(field));
      if (!touches(step, window)) {
        others.push_back(growth / std::max(step.length(), 1e-9));
        return;
      }
      grown += growth;
      length += step.length();
    });
    return {length > 0 ? grown / length : 0, medianOf(others)};
  }

  /// A level that is not 0 in any sample at or around `window`.
  bool atWork(const Span& window, std::string_view field) const {
    bool found = false;
    each([&](const Span& step, const ServerSample& before, const ServerSample& after) {
      found =
          found || (touches(step, window) && (before.number(field) > 0 || after.number(field) > 0));
    });
    return found;
  }

  double latest(const Span& window, std::string_view field) const {
    double value = 0;
    each([&](const Span& step, const ServerSample&, const ServerSample& after) {
      if (touches(step, window)) value = after.number(field);
    });
    return value;
  }

  /// The longest step that touches `window`, and the median one.
  std::pair<Span, double> longestStep(const Span& window) const {
    Span longest;
    std::vector<double> lengths;
    each([&](const Span& step, const ServerSample&, const ServerSample&) {
      lengths.push_back(step.length());
      if (touches(step, window) && step.length() > longest.length()) longest = step;
    });
    return {longest, medianOf(lengths)};
  }

 private:
  std::vector<const ServerSample*> samples_;
};

/// Collects sentences about one server.
class Notes {
 public:
  Notes(const RunData& run, const ServerSeries& series, const Span& window)
      : run_(run), series_(series), window_(window), between_(run, series.addr) {}

  std::vector<std::string> take() {
    silence();
    busy();
    withoutCore();
    addForks();
    children();
    slowlog();
    latencyMonitor();
    fsync();
    keysRemoved("expired_keys", "expired");
    keysRemoved("evicted_keys", "evicted");
    return std::move(notes_);
  }

 private:
  void silence() {
    const auto [longest, usual] = between_.longestStep(window_);
    constexpr double kSilent = 3;
    if (usual > 0 && longest.length() > kSilent * usual)
      notes_.push_back(fmt::format("no INFO for {:.2f} s", longest.length()));
  }

  /// Time-weighted, over the sampling steps that the window covers for the most part: CPU time
  /// between two samples says little about a stall that is much shorter.
  void busy() {
    double spent = 0, length = 0;
    std::vector<double> others;
    for (std::size_t i = 1; i < series_.points.size(); ++i) {
      const ServerPoint& point = series_.points[i];
      if (!point.busy) continue;
      const Span step{series_.points[i - 1].at, point.at};
      const double shared = std::min(step.end, window_.end) - std::max(step.start, window_.start);
      if (shared <= 0) {
        others.push_back(*point.busy);
      } else if (shared >= step.length() / 2) {
        spent += *point.busy * step.length();
        length += step.length();
      }
    }
    if (length <= 0) return;
    std::string note = fmt::format("main thread {} busy", formatShare(spent / length));
    if (!others.empty()) note += fmt::format(" (usually {})", formatShare(medianOf(others)));
    notes_.push_back(std::move(note));
  }

  /// A millisecond is worth a note: fifty connections are taken by less.
  void withoutCore() {
    constexpr double kWorthNamingS = 1e-3;
    constexpr std::string_view kField = "waiting_for_core_main_thread";
    const double waited = between_.grown(window_, kField);
    const auto [within, usual] = between_.rates(window_, kField);
    if (waited < kWorthNamingS || within < 2 * usual) return;
    notes_.push_back(fmt::format("its main thread waited {} for its core, which other threads used",
                                 formatMicros(waited * 1e6)));
  }

  void addForks() {
    if (between_.grown(window_, "total_forks") < 1) return;
    notes_.push_back(
        fmt::format("a fork of {}", formatMicros(between_.latest(window_, "latest_fork_usec"))));
  }

  void children() {
    if (between_.atWork(window_, "rdb_bgsave_in_progress"))
      notes_.emplace_back("a child writing a snapshot");
    if (between_.atWork(window_, "aof_rewrite_in_progress"))
      notes_.emplace_back("a child rewriting the append-only file");
    if (between_.atWork(window_, "loading")) notes_.emplace_back("loading its data set");
  }

  void slowlog() {
    std::size_t entries = 0;
    double sum = 0;
    const Event* longest = nullptr;
    for (const Event& event : run_.dir.events) {
      if (event.kind != "slowlog" || !ours(event) || !touches(spanOf(event, 0), window_)) continue;
      ++entries;
      sum += toMicros(event.duration);
      if (longest == nullptr || event.duration > longest->duration) longest = &event;
    }
    if (longest == nullptr) return;
    const double most = toMicros(longest->duration);
    if (entries == 1)
      notes_.push_back(
          fmt::format("slow log: {} {}", shortened(longest->name, 30), formatMicros(most)));
    else
      notes_.push_back(fmt::format("slow log: {} entries, {} together, longest {} {}", entries,
                                   formatMicros(sum), shortened(longest->name, 30),
                                   formatMicros(most)));
  }

  /// Its stamps are whole seconds, so an entry may be of anywhere in its second.
  void latencyMonitor() {
    std::map<std::string, Nanos> longest;
    for (const Event& event : run_.dir.events)
      if (event.kind == "latency" && ours(event) && touches(spanOf(event, 1), window_))
        longest[event.name] = std::max(longest[event.name], event.duration);
    std::vector<std::string> parts;
    parts.reserve(longest.size());
    for (const auto& [name, duration] : longest)
      parts.push_back(fmt::format("{} {}", name, formatMicros(toMicros(duration))));
    if (!parts.empty())
      notes_.push_back(fmt::format("latency monitor: {}", fmt::join(parts, ", ")));
  }

  void fsync() {
    const double delayed = between_.grown(window_, "aof_delayed_fsync");
    if (delayed >= 1)
      notes_.push_back(fmt::format("{:.0f} delayed fsync{}", delayed, delayed < 1.5 ? "" : "s"));
    if (between_.latest(window_, "aof_pending_bio_fsync") >= 1)
      notes_.emplace_back("an fsync pending");
  }

  /// Worth a note when it is twice the usual, and a thousand keys a second.
  void keysRemoved(std::string_view field, std::string_view verb) {
    constexpr double kWorthNaming = 1'000;
    const auto [within, usual] = between_.rates(window_, field);
    if (within < kWorthNaming || within < 2 * usual) return;
    notes_.push_back(fmt::format("{} keys/s {} (usually {})", groupedRounded(within), verb,
                                 groupedRounded(usual)));
  }

  bool ours(const Event& event) const { return event.node.empty() || event.node == series_.addr; }
  static Span spanOf(const Event& event, double uncertainS) {
    const double at = toSeconds(event.at);
    return {at, at + toSeconds(event.duration) + uncertainS + 1e-9};
  }

  const RunData& run_;
  const ServerSeries& series_;
  Span window_;
  Between between_;
  std::vector<std::string> notes_;
};

}  // namespace

std::vector<std::string> faultsWithin(const RunData& run, const Span& window) {
  std::vector<std::string> names;
  for (const Bracket& bracket : run.brackets) {
    const Span at{bracket.at.start, std::max(bracket.at.end, bracket.at.start + 1e-9)};
    if (!touches(at, window)) continue;
    std::string name = bracket.kind == "connection" ? "lost connection" : bracket.name;
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> evidenceWithin(const RunData& run, const Span& window) {
  std::vector<std::string> evidence;
  for (const ServerSeries& series : run.servers) {
    const auto notes = Notes(run, series, window).take();
    if (notes.empty()) continue;
    const std::string text = fmt::format("{}", fmt::join(notes, "; "));
    evidence.push_back(run.servers.size() == 1 ? text : fmt::format("{}: {}", series.addr, text));
  }
  return evidence;
}

}  // namespace redline
