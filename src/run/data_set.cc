#include "run/data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "base/rng.h"
#include "base/units.h"
#include "cluster/hash_slot.h"
#include "workload/keyspace.h"
#include "workload/ttl.h"
#include "workload/values.h"

namespace redline {
namespace {

constexpr std::uint64_t kAtRandom = 48;
constexpr std::uint64_t kAtEachEnd = 8;

std::string keyOf(std::uint64_t id) {
  std::array<char, kMaxKeyLength> key;
  return {key.data(), writeKey(key.data(), id)};
}

std::string count(std::uint64_t number) {
  return formatCount(static_cast<double>(number));
}

bool isServed(std::uint64_t id, const SlotMap* map) {
  return map == nullptr || map->ownerOf(hashSlot(keyOf(id))) != SlotMap::kNoNode;
}

std::set<std::uint64_t> sampledIds(const EnginePlan& plan, const SlotMap* map) {
  Rng rng(plan.runSeed, 0x70726f6265);
  std::set<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < std::min(kAtEachEnd, plan.keys); ++i)
    ids.insert({i, plan.keys - 1 - i});
  for (std::uint64_t i = 0; i < kAtRandom; ++i) ids.insert(rng.below(plan.keys));
  std::erase_if(ids, [map](std::uint64_t id) { return !isServed(id, map); });
  return ids;
}

std::string_view adviceFor(const Value& error) {
  return error.text.starts_with("WRONGTYPE")
             ? "; another program keeps other types than strings under these names: drive a server "
               "of its own, or delete those keys and load the data set (redline loader)"
             : "; see the server's log";
}

/// The first reply that is an error.
const Value* firstError(std::span<const Value> replies) {
  const auto found = std::ranges::find_if(replies, [](const Value& r) { return r.isError(); });
  return found == replies.end() ? nullptr : &*found;
}

/// Whether keys may have gone from the servers by themselves, and how many are there.
Status readServers(std::span<Target> targets, DataSetSample& sample) {
  for (Target& target : targets) {
    if (target.info.role() != "master") {
      // A replica counts no evictions of its own; a cluster's master says what happened.
      if (targets.size() == 1) sample.evicted = sample.expired = true;
      if (targets.size() > 1) continue;
    }
    const auto info = target.admin.about({"stats", "keyspace"});
    if (!info) return fail(info.error());
    if (!info->withheld.empty()) sample.evicted = sample.expired = true;
    sample.evicted |= info->number("evicted_keys") > 0;
    sample.expired |= info->number("expired_keys") > 0;
    if (info->keyspace.contains(0)) sample.serverKeys += info->keyspace.at(0).keys;
  }
  return {};
}

/// STRLEN, PTTL and GETRANGE of each key, in this order.
std::vector<std::vector<std::string>> questionsOn(const std::set<std::uint64_t>& ids) {
  const std::string lastOfHeader = std::to_string(Values::kHeader - 1);
  std::vector<std::vector<std::string>> questions;
  for (const std::uint64_t id : ids) {
    questions.push_back({"STRLEN", keyOf(id)});
    questions.push_back({"PTTL", keyOf(id)});
    questions.push_back({"GETRANGE", keyOf(id), "0", lastOfHeader});
  }
  return questions;
}

SampledKey keyFrom(std::uint64_t id, const Values& values, std::span<const Value> answers) {
  constexpr std::int64_t kNoTtl = -1, kNoKey = -2;
  SampledKey key;
  key.id = id;
  key.length = static_cast<std::uint64_t>(answers[0].integer);
  key.found = answers[1].integer != kNoKey && key.length > 0;
  key.expires = key.found && answers[1].integer != kNoTtl;
  key.leftMillis = key.expires ? answers[1].integer : 0;
  key.foreign =
      key.found && values.checkHead(answers[2].text, key.length, id) != Values::Verdict::ok;
  return key;
}

/// "12 of 60 keys looked at, obj:5 among them,"; empty: none is as `disagrees` says.
template <typename Disagrees>
std::string whichDisagree(const DataSetSample& sample, Disagrees disagrees) {
  const SampledKey* example = nullptr;
  std::size_t found = 0, wrong = 0;
  for (const SampledKey& key : sample.keys) {
    if (!key.found) continue;
    ++found;
    if (!disagrees(key)) continue;
    if (wrong++ == 0) example = &key;
  }
  if (wrong == 0) return {};
  return fmt::format("{} of {} sampled keys, {} among them,", wrong, found, keyOf(example->id));
}

/// A key that expires: what it has left to live, and what the flags gave it.
struct LeftOfTtl {
  double leftMs, ttlMs;
};

/// What was read within one pipeline of commands, from servers with the same clock, is as near.
constexpr double kSameMoment = 1000;

/// Whether none of these numbers is far from the others; true of none.
bool areAlike(std::vector<double> values) {
  if (values.empty()) return true;
  const auto [low, high] = std::ranges::minmax(values);
  return high - low <= kSameMoment;
}

double middleOf(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Whether nearly all of them lie on one line, as what a load gave its keys does, and that line's
/// slope is not 1: the flags spread times to live wider, or less wide, than the load did. A key
/// that was written again since lies beside it, and many such keys hide it.
bool isSpreadOtherwise(const std::vector<LeftOfTtl>& keys) {
  constexpr std::size_t kFewest = 8;
  constexpr double kNearlyAll = 0.8;
  if (keys.size() < kFewest) return false;
  std::vector<double> slopes, starts;
  for (std::size_t i = 0; i < keys.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (std::abs(keys[i].ttlMs - keys[j].ttlMs) > kSameMoment)
        slopes.push_back((keys[i].leftMs - keys[j].leftMs) / (keys[i].ttlMs - keys[j].ttlMs));
  if (slopes.empty()) return false;
  const double slope = middleOf(slopes);
  for (const LeftOfTtl& key : keys) starts.push_back(key.leftMs - slope * key.ttlMs);
  const double start = middleOf(starts);
  const auto onLine = std::ranges::count_if(
      starts, [&](double each) { return std::abs(each - start) <= kSameMoment; });
  const auto [low, high] = std::ranges::minmax(keys, {}, &LeftOfTtl::ttlMs);
  const double spread = high.ttlMs - low.ttlMs;
  const bool atOneMoment = std::abs(slope) * spread <= kSameMoment;  // -ttl-at
  return static_cast<double>(onLine) >= kNearlyAll * static_cast<double>(keys.size()) &&
         !atOneMoment && std::abs(slope - 1) * spread > 10 * kSameMoment;
}

/// What contradicts -ttl-min and -ttl-max. Nothing does where all keys of the load expire at one
/// moment (-ttl-at), or where all were given their time from a moment to come (-ttl-epoch).
bool contradictTtls(const std::vector<LeftOfTtl>& keys) {
  std::vector<double> left, ofLonger, beyond;
  for (const LeftOfTtl& key : keys) {
    left.push_back(key.leftMs);
    if (key.leftMs <= key.ttlMs + kSameMoment) continue;
    ofLonger.push_back(key.leftMs);
    beyond.push_back(key.leftMs - key.ttlMs);
  }
  if (areAlike(left)) return false;
  if (!areAlike(ofLonger) && !areAlike(beyond)) return true;
  return isSpreadOtherwise(keys);
}

void judgeTtls(const EnginePlan& plan, const DataSetSample& sample, DataSetJudgement& judgement) {
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  std::vector<LeftOfTtl> keys;
  for (const SampledKey& key : sample.keys)
    if (key.expires)
      keys.push_back(
          {static_cast<double>(key.leftMillis), static_cast<double>(ttls.ttlMillisOf(key.id))});
  if (!contradictTtls(keys)) return;
  const auto [low, high] = std::ranges::minmax(keys, {}, &LeftOfTtl::leftMs);
  judgement.contradictions.push_back(fmt::format(
      "-ttl-min={} -ttl-max={}: {} sampled keys have {} to {} left to live, as after a load with "
      "others",
      formatDuration(plan.ttlMin), formatDuration(plan.ttlMax), keys.size(),
      formatDuration(static_cast<Nanos>(low.leftMs) * kMillisecond),
      formatDuration(static_cast<Nanos>(high.leftMs) * kMillisecond)));
}

void judgeValues(const EnginePlan& plan, const DataSetSample& sample, DataSetJudgement& judgement) {
  const std::string foreign = whichDisagree(sample, [](const SampledKey& k) { return k.foreign; });
  // With -verify=none the values of another program may be read, and be of other sizes.
  const bool unverified = !foreign.empty() && plan.verify == VerifyLevel::none;
  if (!foreign.empty() && !unverified)
    return judgement.contradictions.push_back(
        fmt::format("-seed={}: {} hold values of another seed (-verify=none ignores values)",
                    plan.seed, foreign));
  const auto otherSize = [&](const SampledKey& key) { return key.length != plan.valueSize; };
  if (const std::string which = whichDisagree(sample, otherSize); !which.empty()) {
    const auto example = std::ranges::find_if(
        sample.keys, [&](const SampledKey& key) { return key.found && otherSize(key); });
    (unverified ? judgement.notes : judgement.contradictions)
        .push_back(fmt::format("-value-size={}: {} hold {} bytes", plan.valueSize, which,
                               example->length));
  }
  if (unverified) return;
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  const auto otherTtl = [&](const SampledKey& key) {
    return key.expires != (ttls.ttlMillisOf(key.id) != 0);
  };
  const std::string which = whichDisagree(sample, otherTtl);
  if (which.empty())
    judgeTtls(plan, sample, judgement);
  else
    judgement.contradictions.push_back(fmt::format(
        "-ttl-frac={}: {} {}", plan.ttlFraction, which,
        std::ranges::any_of(
            sample.keys, [&](const SampledKey& k) { return k.found && k.expires && otherTtl(k); })
            ? "expire, but should not"
            : "do not expire, but should"));
}

/// Whether the ids from some point on are missing, as after a smaller load: "none from obj:5 on".
/// Absent keys with others above them are some other event.
void judgePresence(const EnginePlan& plan, const DataSetSample& sample,
                   DataSetJudgement& judgement) {
  const Ttls ttls(plan.seed, plan.ttlFraction, plan.ttlMin, plan.ttlMax);
  const auto mustBeThere = [&](const SampledKey& key) {
    return !sample.evicted && !(sample.expired && ttls.ttlMillisOf(key.id) != 0);
  };
  const auto firstAbsent = std::ranges::find_if(
      sample.keys, [&](const SampledKey& key) { return !key.found && mustBeThere(key); });
  const auto absent = std::ranges::count_if(
      sample.keys, [&](const SampledKey& key) { return !key.found && mustBeThere(key); });
  const bool anyAbove =
      std::any_of(firstAbsent, sample.keys.end(), [](const SampledKey& key) { return key.found; });
  constexpr std::ptrdiff_t kEnough = 2;  // one could have been deleted
  if (absent < kEnough || anyAbove || plan.readShare == 0 || plan.onMiss != OnMiss::none) return;
  judgement.contradictions.push_back(fmt::format(
      "-keys={}: of {} sampled keys none from {} on exists, and the servers hold {} keys",
      count(plan.keys), sample.keys.size(), keyOf(firstAbsent->id), count(sample.serverKeys)));
}

}  // namespace

Result<DataSetSample> sampleDataSet(const EnginePlan& plan, std::span<Target> targets,
                                    const KeyAdmin::OnWait& onWait, const SlotMap* map) {
  DataSetSample sample;
  if (auto read = readServers(targets, sample); !read) return fail(read.error());
  auto admin =
      KeyAdmin::connect(targets.front().admin.endpoint(), plan.cluster(), plan.credentials);
  if (!admin) return fail(admin.error());
  admin->sayWhenWaiting(onWait);
  const std::set<std::uint64_t> ids = sampledIds(plan, map);
  auto questions = questionsOn(ids);
  const std::size_t ofKeys = questions.size();
  for (std::uint64_t i = 0; i < kAtEachEnd; ++i)
    if (isServed(plan.keys + i, map)) questions.push_back({"EXISTS", keyOf(plan.keys + i)});
  const auto answers = admin->pipeline(questions);
  if (!answers) return fail(answers.error());
  if (const Value* const error = firstError(*answers)) {
    if (isWithheld(*error)) {
      sample.unreadable = error->text;
      return sample;
    }
    const auto& question = questions[static_cast<std::size_t>(error - answers->data())];
    return fail(ErrorCode::refused, "{} answers {} {} with: {}{}", plan.target.text(), question[0],
                question[1], error->text, adviceFor(*error));
  }
  const Values values(plan.seed, plan.valueSize);
  const std::span<const Value> all(*answers);
  std::size_t at = 0;
  for (const std::uint64_t id : ids) {
    sample.keys.push_back(keyFrom(id, values, all.subspan(at, 3)));
    at += 3;
  }
  sample.continues = std::ranges::any_of(all.subspan(ofKeys),
                                         [](const Value& exists) { return exists.integer > 0; });
  return sample;
}

DataSetJudgement judgeDataSet(const EnginePlan& plan, const DataSetSample& sample) {
  DataSetJudgement judgement;
  if (!sample.unreadable.empty()) {
    judgement.notes.push_back(
        fmt::format("the data set was not compared with the flags: {}", sample.unreadable));
    return judgement;
  }
  if (std::ranges::none_of(sample.keys, &SampledKey::found)) {
    if (plan.readShare > 0 && plan.onMiss == OnMiss::none)
      judgement.notes.push_back(
          fmt::format("none of {} sampled keys exists, so reads will miss; load them first: "
                      "redline loader -keys={}",
                      sample.keys.size(), count(plan.keys)));
    return judgement;
  }
  judgeValues(plan, sample, judgement);
  judgePresence(plan, sample, judgement);
  if (sample.continues)
    judgement.notes.push_back(
        fmt::format("-keys={}: the servers hold {} keys: only the first {} are used",
                    count(plan.keys), count(sample.serverKeys), count(plan.keys)));
  return judgement;
}

}  // namespace redline
