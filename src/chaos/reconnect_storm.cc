#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/units.h"
#include "chaos/catalog.h"
#include "chaos/target.h"
#include "server/connection_storm.h"

namespace redline {
namespace {

class ReconnectStorm final : public Fault {
 public:
  ReconnectStorm(FaultArguments arguments, const FaultContext& context)
      : Fault(context), arguments_(std::move(arguments)) {}

  Status prepare() override {
    auto target = targetOf(arguments_, context_);
    if (!target) return fail(target.error());
    target_ = std::move(*target);
    findings_.node = target_.text();
    auto admin = connectForFault(target_, context_);
    if (!admin) return fail(admin.error());
    admin_.emplace(std::move(*admin));
    return {};
  }

  Status check() override { return keepConnected(*admin_, target_, context_); }

  Status inject() override {
    const auto before = admin_->info({"stats"});
    if (!before) return fail(before.error());
    StormOptions options{target_, context_.credentials,
                         static_cast<unsigned>(arguments_.count("clients")),
                         arguments_.duration("patience")};
    const auto storm = connectionStorm(options, context_.interrupted);
    if (!storm) return fail(storm.error());
    const auto after = admin_->info({"stats"});
    if (!after) return fail(after.error());
    report(
        *storm, options.clients,
        after->number("total_connections_received") - before->number("total_connections_received"),
        after->number("rejected_connections") - before->number("rejected_connections"));
    if (storm->answered.count() != 0) return {};
    return fail(ErrorCode::refused, "not one of {} clients was served: {}", options.clients,
                errorText(*storm));
  }

 private:
  static std::string errorText(const StormOutcome& storm) {
    std::string text;
    for (const auto& [what, count] : storm.errors)
      text += fmt::format("{}{} x \"{}\"", text.empty() ? "" : ", ", count, what);
    return text;
  }

  void report(const StormOutcome& storm, unsigned clients, double received, double rejected) {
    const auto micros = [](Nanos span) { return toMicros(span); };
    const Histogram& connected = storm.connected;
    const Histogram& answered = storm.answered;
    std::uint64_t failed = 0;
    for (const auto& [what, count] : storm.errors) failed += count;
    findings_.figures = {{"clients", clients},
                         {"served", static_cast<double>(answered.count())},
                         {"failed", static_cast<double>(failed)},
                         {"storm_s", toSeconds(storm.span)},
                         {"connect_p50_us", micros(connected.quantile(0.5))},
                         {"connect_p99_us", micros(connected.quantile(0.99))},
                         {"connect_max_us", micros(connected.max())},
                         {"answer_p50_us", micros(answered.quantile(0.5))},
                         {"answer_p99_us", micros(answered.quantile(0.99))},
                         {"answer_max_us", micros(answered.max())},
                         {"server_accepted", received},
                         {"server_rejected", rejected}};
    findings_.detail = fmt::format(
        "{} of {} clients served in {}; connect p50 {} p99 {} max {}, first answer p99 {} max {}",
        answered.count(), clients, formatDuration(storm.span),
        formatDuration(connected.quantile(0.5)), formatDuration(connected.quantile(0.99)),
        formatDuration(connected.max()), formatDuration(answered.quantile(0.99)),
        formatDuration(answered.max()));
    if (!storm.errors.empty()) findings_.detail += "; not served: " + errorText(storm);
  }

  FaultArguments arguments_;
  Endpoint target_;
  std::optional<Admin> admin_;
};

}  // namespace

FaultSpec reconnectStormFault() {
  return {.name = "reconnect-storm",
          .summary = "many clients connect at the same moment and each sends a PING",
          .parameters = {targetParameter(),
                         {.name = "clients",
                          .kind = ValueKind::count,
                          .fallback = "10k",
                          .help = "number of clients",
                          .example = "5k",
                          .least = "1",
                          .most = "60k"},
                         {.name = "patience",
                          .kind = ValueKind::duration,
                          .fallback = "30s",
                          .help = "how long a client waits for its reply",
                          .example = "10s",
                          .most = "24h"}},
          .make = makeFault<ReconnectStorm>};
}

}  // namespace redline
