#include "record/validity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace redline {
namespace {

std::string percent(double share) {
  return fmt::format("{:.1f}%", share * 100);
}

bool serverHadMoreToGive(const ValidityFacts& facts) {
  return facts.serverUtilisation >= 0 && facts.serverUtilisation < kServerBound;
}

// Nobody can be busy while others have its core: what counts is the share of the time that was
// left.
void judgeGeneratorsCpu(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.generatorUtilisation <= kGeneratorBound * (1 - facts.generatorWaiting)) return;
  verdict.reasons.push_back(fmt::format(
      "generator CPU-bound: its workers were {} busy (others had their core for {} of the "
      "time) while the server's main thread was {} busy, so this is the generator's ceiling, not "
      "the "
      "server's; give it more -threads and cores",
      percent(facts.generatorUtilisation), percent(facts.generatorWaiting),
      percent(facts.serverUtilisation)));
}

void judgeGeneratorsCore(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.generatorWaiting <= kTolerableWaiting) return;
  verdict.reasons.push_back(fmt::format(
      "core taken: the generator was ready to run for {} of the time while other threads had its "
      "core (tolerated: {}); keep others off with -cpus and -server-cpus",
      percent(facts.generatorWaiting), percent(kTolerableWaiting)));
}

// Where the generator had no more to give and the server had, whatever was found is the
// generator's.
void judgeClosed(const ValidityFacts& facts, Verdict& verdict) {
  if (!serverHadMoreToGive(facts)) return;
  judgeGeneratorsCpu(facts, verdict);
  judgeGeneratorsCore(facts, verdict);
}

// A rate that is lower, or more threads, do not bring back a core that the machine below takes.
std::string remedyOf(const ValidityFacts& facts) {
  if (facts.hiddenSteal < kHiddenStealMatters)
    return "lower -rate, or give it more -threads and cores of their own";
  return fmt::format(
      "for another {} it stood still, {:.0f} µs at the longest, though it had asked for no such "
      "sleep and nobody here had its core: the machine below took it without a word; a quieter "
      "machine is what helps",
      percent(facts.hiddenSteal), facts.longestPauseUs);
}

void judgeOpen(const ValidityFacts& facts, Verdict& verdict) {
  const bool late = facts.dispatchP99Us > kTolerableDispatchP99Us;
  const bool behind = facts.achievedRate < kKeptUp * facts.targetRate;
  const bool heldUp = behind && serverHadMoreToGive(facts);
  if (late)
    verdict.reasons.push_back(fmt::format(
        "could not keep the schedule: 1% of the operations were sent {:.0f} µs or more after they "
        "could have been (tolerated: {:.0f} µs); the generator was {} busy and waited for a core "
        "for {} of the time: {}",
        facts.dispatchP99Us, kTolerableDispatchP99Us, percent(facts.generatorUtilisation),
        percent(facts.generatorWaiting), remedyOf(facts)));
  if (heldUp) judgeGeneratorsCpu(facts, verdict);
  if (late || heldUp) judgeGeneratorsCore(facts, verdict);
  if (facts.faultedOperations != 0 && facts.faultedDispatchP99Us > kTolerableDispatchP99Us)
    verdict.notes.push_back(fmt::format(
        "while faults were under way, and in the second after, 1% of the operations were sent "
        "{:.0f} µs or more after they could have been; that is put down to the faults",
        facts.faultedDispatchP99Us));
  if (facts.allFaulted)
    verdict.notes.emplace_back(
        "no interval was free of faults, so nothing says how well the generator keeps its schedule "
        "without them: make -duration longer");
  if (!behind) return;
  verdict.overloaded = true;
  verdict.notes.push_back(fmt::format(
      "overloaded: {:.0f} operations/s completed of {:.0f} offered ({}); response times "
      "grow with the length of the run and describe the queue, not the server",
      facts.achievedRate, facts.targetRate, percent(facts.achievedRate / facts.targetRate)));
}

// A node that is behind kept operations for others from being sent: an open model no longer.
void judgeBacklog(const ValidityFacts& facts, Verdict& verdict) {
  if (facts.blockedShare <= 0) return;
  const std::string full = fmt::format(
      "backlog full: for {} of the time as many operations as -max-backlog allows waited for one "
      "node, and none were sent to any",
      percent(facts.blockedShare));
  if (facts.faults == 0)
    verdict.reasons.push_back(full + "; lower -rate, or raise -max-backlog");
  else
    verdict.notes.push_back(full + "; the run injected faults, and this is what they did");
}

// Whether there is anything to be believed.
void judgeSurvival(const ValidityFacts& facts, Verdict& verdict) {
  if (!facts.serverLost.empty())
    verdict.reasons.push_back(fmt::format(
        "server lost: it did not serve when the run was over ({}); what it left unanswered has no "
        "latency, and the percentiles are of a server that was dying",
        facts.serverLost));
  if (facts.scheduled > 0 && facts.completed == 0)
    verdict.reasons.push_back(fmt::format(
        "nothing completed: of {:.0f} operations not one has a service time", facts.scheduled));
  if (facts.lostShare <= kTolerableLost) return;
  std::string lost = fmt::format(
      "operations lost: {} went down with their connections (tolerated: {}), so no p99 "
      "of all operations exists",
      percent(facts.lostShare), percent(kTolerableLost));
  if (facts.faults == 0)
    verdict.reasons.push_back(lost +
                              "; find out who closed them: the server's log, timeout, "
                              "maxclients");
  else
    verdict.notes.push_back(lost + "; the run injected faults, and this is what they did");
}

}  // namespace

bool passingReason(std::string_view reason) {
  // As the functions above begin them.
  constexpr std::array<std::string_view, 3> kPassing{
      "core taken:", "could not keep the schedule:", "stolen time:"};
  return std::ranges::any_of(
      kPassing, [&](std::string_view beginning) { return reason.starts_with(beginning); });
}

Verdict judgeValidity(const ValidityFacts& facts) {
  Verdict verdict;
  if (facts.closed)
    judgeClosed(facts, verdict);
  else
    judgeOpen(facts, verdict);
  judgeBacklog(facts, verdict);
  judgeSurvival(facts, verdict);
  if (facts.steal > kTolerableSteal)
    verdict.reasons.push_back(
        fmt::format("stolen time: the hypervisor took {} of the machine's time (tolerated: {})",
                    percent(facts.steal), percent(kTolerableSteal)));
  if (facts.corrupt > 0)
    verdict.reasons.push_back(
        fmt::format("corrupt: {:.0f} values read back were not what was written", facts.corrupt));
  return verdict;
}

}  // namespace redline
