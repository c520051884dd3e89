#include "record/validity.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.h"
#include "base/text.h"
#include "record/run_totals.h"

namespace redline {
namespace {

std::string percent(double share) {
  return fmt::format("{:.1f}%", share * 100);
}

template <typename... Args>
void addReason(Verdict& verdict, ReasonCode code, fmt::format_string<Args...> text,
               Args&&... args) {
  verdict.reasons.push_back({code, fmt::format(text, std::forward<Args>(args)...)});
}

// A thread cannot be busy while others have its core: what counts, of server and generator, is the
// share of the time that was left.
bool isBusy(double utilisation, double waiting, double bound) {
  return utilisation >= bound * (1 - waiting);
}

bool serverHadMoreToGive(const ValidityFacts& facts) {
  return facts.serverUtilisation >= 0 &&
         !isBusy(facts.serverUtilisation, facts.serverWaiting, kServerBound);
}

/// What would help a generator without CPU time. More of it does not, where the server sends bytes
/// that nobody asked for (pushes of RESP3, say).
std::string remedyForCpu(const ValidityFacts& facts) {
  if (facts.bytesPerOperation <= kFlooded * (facts.valueSize + kFramingBytes))
    return "give it more -threads and cores";
  return fmt::format(
      "the server sent {:.0f} bytes for each operation, whose values have {:.0f}: find out what "
      "else it sends",
      facts.bytesPerOperation, facts.valueSize);
}

void judgeGeneratorsCpu(const ValidityFacts& facts, Verdict& verdict) {
  if (!isBusy(facts.generatorUtilisation, facts.generatorWaiting, kGeneratorBound)) return;
  addReason(verdict, ReasonCode::generatorBound,
            "generator at its limit: its workers were {} busy (others had their core for {} of the "
            "time) while the server's main thread was {} busy, so this is the generator's ceiling, "
            "not the server's; {}",
            percent(facts.generatorUtilisation), percent(facts.generatorWaiting),
            percent(facts.serverUtilisation), remedyForCpu(facts));
}

void judgeGeneratorsCore(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.generatorWaiting <= kTolerableWaiting) return;
  addReason(verdict, ReasonCode::coreTaken,
            "core taken: the generator was ready to run for {} of the time while other threads had "
            "its core (tolerated: {}); keep others off with -cpus and -server-cpus",
            percent(facts.generatorWaiting), percent(kTolerableWaiting));
}

// Where the generator had no more to give and the server had, whatever was found is the
// generator's.
void judgeClosed(const ValidityFacts& facts, Verdict& verdict) {
  if (!serverHadMoreToGive(facts)) return;
  judgeGeneratorsCpu(facts, verdict);
  judgeGeneratorsCore(facts, verdict);
}

// Neither a lower rate nor more threads bring back a core that the hypervisor takes.
std::string remedyOf(const ValidityFacts& facts) {
  if (facts.hiddenSteal < kHiddenStealMatters)
    return "lower -rate, or give it more -threads and cores of their own";
  return fmt::format(
      "for another {} it did not run, for up to {:.0f} µs, although it was not asleep and no other "
      "thread had its core: the hypervisor took the time without reporting it; use a quieter "
      "machine",
      percent(facts.hiddenSteal), facts.longestPauseUs);
}

void judgeOpen(const ValidityFacts& facts, Verdict& verdict) {
  const bool late = facts.dispatchP99Us > kTolerableDispatchP99Us;
  const bool behind = facts.answeredRate < kKeptUp * facts.targetRate;
  const bool heldUp = behind && serverHadMoreToGive(facts);
  if (late)
    addReason(verdict, ReasonCode::behindSchedule,
              "behind schedule: 1% of the operations were sent {:.0f} µs or more later than "
              "possible (tolerated: {:.0f} µs); the generator was {} busy and waited for a core "
              "for {} of the time: {}",
              facts.dispatchP99Us, kTolerableDispatchP99Us, percent(facts.generatorUtilisation),
              percent(facts.generatorWaiting), remedyOf(facts));
  if (heldUp) judgeGeneratorsCpu(facts, verdict);
  // A fault keeps replies from coming, and a generator with its core would have had no more of
  // them.
  if (late || (heldUp && facts.faults == 0)) judgeGeneratorsCore(facts, verdict);
  if (facts.faultedOperations != 0 && facts.faultedDispatchP99Us > kTolerableDispatchP99Us)
    verdict.notes.push_back(fmt::format(
        "while faults were under way, and in the second after, 1% of the operations were sent "
        "{:.0f} µs or more later than possible; this is attributed to the faults",
        facts.faultedDispatchP99Us));
  if (facts.allFaulted)
    verdict.notes.emplace_back(
        "no interval was free of faults, so the generator's own lateness could not be measured; "
        "increase -duration");
  if (!behind) return;
  verdict.overloaded = true;
  verdict.notes.push_back(fmt::format(
      "overloaded: {:.0f} operations/s were answered of {:.0f} offered ({}); {}",
      facts.answeredRate, facts.targetRate, percent(facts.answeredRate / facts.targetRate),
      facts.droppedShare > 0
          ? fmt::format("{} timed out or were lost, and response times describe the queue that the "
                        "others waited in",
                        percent(facts.droppedShare))
          : std::string("response times grow with the length of the run and describe the queue, "
                        "not the server")));
}

// What a run's own faults bring about is no reason against it.
void addReasonOrNote(Verdict& verdict, const ValidityFacts& facts, ReasonCode code,
                     const std::string& what, std::string_view advice) {
  if (facts.faults == 0)
    addReason(verdict, code, "{}; {}", what, advice);
  else
    verdict.notes.push_back(what + "; this is attributed to the run's faults");
}

// A node that is behind kept operations for others from being sent: an open model no longer.
void judgeBacklog(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.blockedShare <= 0) return;
  const std::string full = fmt::format(
      "backlog full: for {} of the time -max-backlog operations waited for one node, so none were "
      "sent to other nodes",
      percent(facts.blockedShare));
  addReasonOrNote(verdict, facts, ReasonCode::backlogFull, full,
                  "lower -rate, or raise -max-backlog");
}

// Each connection waits for the reply to its oldest operation: those behind it are not sent, and
// wait as if the server were slow.
void judgeAnswers(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.unanswered != 0)
    addReasonOrNote(
        verdict, facts, ReasonCode::unanswered,
        fmt::format("no reply: {} had been on the wire for up to {:.1f} s when the run ended, and "
                    "their connections carry nothing else meanwhile",
                    plural(facts.unanswered, "operation"), facts.longestUnansweredS),
        "find out what holds the replies back (a blocked server, a proxy), or raise -drain");
  if (facts.unservedShare > kTolerableLost)
    addReasonOrNote(
        verdict, facts, ReasonCode::unserved,
        fmt::format("not served: the cluster refused {} of the operations until the run "
                    "ended (tolerated: {})",
                    percent(facts.unservedShare), percent(kTolerableLost)),
        "a node does not know its slots, or they have no owner: see redis-cli "
        "--cluster check");
}

// A server whose replies do not answer what was asked is not what the run is about.
void judgeReplies(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.strangeShare <= kTolerableStrange) return;
  addReason(verdict, ReasonCode::strangeReplies,
            "strange replies: {} of the operations got a reply that is not one to GET or SET "
            "(tolerated: {}); is this address a Redis, and is there a proxy in between?",
            percent(facts.strangeShare), percent(kTolerableStrange));
}

// Whether the operations that the run is about have a latency at all.
void judgeSurvival(const ValidityFacts& facts, Verdict& verdict) {
  if (!facts.serverLost.empty())
    addReason(verdict, ReasonCode::serverLost,
              "server lost: it did not answer at the end of the run ({}); operations without a "
              "reply have no latency, so the percentiles miss the worst",
              facts.serverLost);
  if (facts.scheduled > 0 && facts.completed == 0)
    addReason(verdict, ReasonCode::nothingCompleted,
              "nothing completed: none of {:.0f} operations has a service time", facts.scheduled);
  if (facts.lostShare <= kTolerableLost) return;
  const std::string lost = fmt::format(
      "operations lost: {} were lost with their connections (tolerated: {}), so there is no p99 of "
      "all operations",
      percent(facts.lostShare), percent(kTolerableLost));
  addReasonOrNote(verdict, facts, ReasonCode::operationsLost, lost,
                  "find out why they were closed: the server's log, timeout, maxclients");
}

void separateFaultedDispatch(const DispatchByFaults& dispatch, ValidityFacts& facts) {
  facts.dispatchP99Us = toMicros(dispatch.clear.quantile(0.99));
  facts.faultedDispatchP99Us = toMicros(dispatch.faulted.quantile(0.99));
  facts.faultedOperations = dispatch.faulted.count();
  facts.allFaulted = dispatch.clear.count() == 0 && dispatch.faulted.count() != 0;
}

}  // namespace

ValidityFacts validityFacts(const Summary& summary, const Counters& counts,
                            const VerdictBasis& basis) {
  const auto done = static_cast<double>(summary.rate.completed + summary.rate.failed);
  ValidityFacts facts;
  facts.closed = basis.closed;
  facts.targetRate = summary.rate.target;
  facts.answeredRate = answeredRate(summary.rate, summary.windowS);
  facts.windowS = summary.windowS;
  facts.dispatchP99Us = summary.latency.at("dispatch").at("all").p99;
  facts.dispatchMaxUs = summary.latency.at("dispatch").at("all").max;
  facts.generatorUtilisation = summary.generator.utilisation;
  facts.generatorWaiting = summary.generator.waitingForCore;
  facts.hiddenSteal = summary.generator.hiddenSteal;
  facts.longestPauseUs = summary.generator.longestPauseUs;
  facts.serverUtilisation = -1;
  // With a store behind the cache, a Redis with time to spare shows nothing: reads wait for the
  // store.
  if (summary.backing.store.empty())
    for (const ServerFigures& server : summary.servers) {
      if (server.mainThreadUtilisation <= facts.serverUtilisation) continue;
      facts.serverUtilisation = server.mainThreadUtilisation;
      facts.serverWaiting = std::max(0.0, server.waitingForCore);
    }
  facts.steal = summary.generator.steal;
  facts.corrupt = static_cast<double>(summary.verify.corrupt);
  facts.scheduled = static_cast<double>(summary.rate.scheduled);
  facts.completed = static_cast<double>(summary.rate.completed);
  facts.lostShare = failedShare(summary.rate, {Failure::disconnected, Failure::unknownFate});
  facts.droppedShare = failedShare(summary.rate, {Failure::disconnected, Failure::unknownFate,
                                                  Failure::timeout, Failure::storeTimeout});
  facts.strangeShare = failedShare(summary.rate, {Failure::protocol});
  if (done > 0) facts.bytesPerOperation = static_cast<double>(counts.bytesReceived) / done;
  facts.valueSize = static_cast<double>(basis.valueSize);
  facts.blockedShare = basis.busyS > 0 ? toSeconds(counts.blocked) / basis.busyS : 0;
  facts.unanswered = summary.rate.unanswered;
  facts.longestUnansweredS = summary.rate.longestUnansweredS;
  facts.unservedShare = shareOf(summary.rate.unserved, summary.rate.scheduled);
  facts.serverLost = basis.serverLost;
  facts.faults = basis.faults;
  if (basis.dispatch != nullptr) separateFaultedDispatch(*basis.dispatch, facts);
  return facts;
}

Verdict judgeValidity(const ValidityFacts& facts) {
  Verdict verdict;
  if (facts.scheduled == 0) {
    // Nothing is true of no operations.
    addReason(verdict, ReasonCode::nothingMeasured,
              "nothing measured: no operation fell due in the measured window, which was {:.2f} s "
              "long; a run that is ended during its warm-up has none",
              facts.windowS);
    return verdict;
  }
  if (facts.closed)
    judgeClosed(facts, verdict);
  else
    judgeOpen(facts, verdict);
  judgeBacklog(facts, verdict);
  judgeAnswers(facts, verdict);
  judgeSurvival(facts, verdict);
  judgeReplies(facts, verdict);
  if (facts.steal > kTolerableSteal)
    addReason(verdict, ReasonCode::stolenTime,
              "stolen time: the hypervisor took {} of the machine's time (tolerated: {})",
              percent(facts.steal), percent(kTolerableSteal));
  if (facts.corrupt > 0)
    addReason(verdict, ReasonCode::corruptValues,
              "corrupt values: {:.0f} values read differ from those written", facts.corrupt);
  return verdict;
}

}  // namespace redline
