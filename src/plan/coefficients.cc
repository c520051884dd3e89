#include "plan/coefficients.h"

#include <algorithm>
#include <cmath>

#include "json/json.h"
#include "plan/coefficient_fields.h"
#include "plan/embedded.h"

namespace redline {

void visit(auto& json, MappedAs<CoefficientFile> auto& file) {
  json.schema(1);
  json.field("machine", file.machine);
  json.field("measured", file.measured);
  json.field("redis", file.redis);
  json.field("redline", file.redline);
  json.field("coefficients", file.coefficients);
}

namespace {

using enum CoefficientId;
constexpr std::array<CoefficientSpec, kCoefficients> kSpecs{{
    {getUs, "get_us", "us", "main-thread CPU of a GET of a small value, without system calls",
     true},
    {setUs, "set_us", "us", "the same of a SET", true},
    {callUs, "call_us", "us", "of a read and a write of a socket, shared by a batch", true},
    {kilobyteUs, "kilobyte_us", "us", "more for each KB of a value", true},
    {clusterFactor, "cluster_factor", "x", "of this CPU on a node of a cluster", true},
    {knee250us, "knee_250us", "share", "of the ceiling up to which p99 stays below 250 us", false},
    {knee500us, "knee_500us", "share", "the same for 500 us", false},
    {knee1ms, "knee_1ms", "share", "the same for 1 ms", false},
    {knee2ms, "knee_2ms", "share", "the same for 2 ms", false},
    {knee5ms, "knee_5ms", "share", "the same for 5 ms", false},
    {knee10ms, "knee_10ms", "share", "the same for 10 ms", false},
    {forkFixedMs, "fork_fixed_ms", "ms", "a fork of a server without data", true},
    {forkPageNs, "fork_page_ns", "ns", "of a fork for each resident page of 4 KiB", true},
    {saveSPerGb, "save_s_per_gb", "s", "a snapshot's child lives for each GB of used_memory", true},
    {pagesPerWrite, "pages_per_write", "pages", "copied for a write while the child lives", true},
    {emptyBytes, "empty_bytes", "bytes", "used_memory of a server without keys", true},
    {residentFactor, "resident_factor", "x", "resident over used memory", true},
    {lruWeight, "lru_weight", "share",
     "where Redis's sampling lies between RANDOM (0) and exact LRU (1)", false},
    {failoverS, "failover_s", "s",
     "from a master's death until p99 is back, less cluster-node-timeout", true},
}};

constexpr std::array<KneeLimit, 6> kKneeLimits{{{250, knee250us},
                                                {500, knee500us},
                                                {1'000, knee1ms},
                                                {2'000, knee2ms},
                                                {5'000, knee5ms},
                                                {10'000, knee10ms}}};

const CoefficientSpec* specOf(std::string_view name) {
  const auto* const found = std::ranges::find(kSpecs, name, &CoefficientSpec::name);
  return found == kSpecs.end() ? nullptr : found;
}

/// Empty: nothing is wrong with it.
std::string problemOf(const Coefficient& one) {
  const CoefficientSpec* const spec = specOf(one.name);
  if (spec == nullptr) return fmt::format("there is no coefficient '{}'", one.name);
  if (!std::isfinite(one.value) || !std::isfinite(one.high) || one.value <= 0)
    return fmt::format("{} is not a number above 0", one.name);
  if (!(0 <= one.low && one.low <= one.value && one.value <= one.high))
    return fmt::format("{} is not between its low and its high", one.name);
  if (one.unit != spec->unit)
    return fmt::format("{} is in '{}', and must be in '{}'", one.name, one.unit, spec->unit);
  return {};
}

}  // namespace

std::span<const CoefficientSpec> coefficientSpecs() {
  return kSpecs;
}

std::span<const KneeLimit> kneeLimits() {
  return kKneeLimits;
}

Result<CoefficientFile> parseCoefficients(std::string_view text, std::string_view place) {
  auto file = readJson<CoefficientFile>(text, {.name = place}, MissingField::isRefused);
  if (!file) return fail(file.error());
  std::vector<std::string_view> seen;
  for (const Coefficient& each : file->coefficients) {
    if (const std::string problem = problemOf(each); !problem.empty())
      return jsonProblem({.name = place}, problem);
    if (std::ranges::find(seen, each.name) != seen.end())
      return jsonProblem({.name = place}, fmt::format("{} is there twice", each.name));
    seen.push_back(each.name);
  }
  return file;
}

std::string coefficientsJson(const CoefficientFile& file) {
  return writeJson(file, 2) + "\n";
}

Coefficients Coefficients::committed() {
  Coefficients all;
  if (const auto file = parseCoefficients(kCoefficientsJson, "coefficients.json")) all.put(*file);
  return all;
}

Coefficients::Coefficients(const CoefficientFile& file) : Coefficients(committed()) {
  put(file);
}

void Coefficients::replace(const Coefficient& one) {
  if (const CoefficientSpec* const spec = specOf(one.name))
    all_[static_cast<std::size_t>(spec->id)] = one;
}

double Coefficients::value(CoefficientId id, Outlook outlook) const {
  const Coefficient& one = (*this)[id];
  if (outlook == Outlook::expected) return one.value;
  const bool wantsMore =
      kSpecs[static_cast<std::size_t>(id)].moreIsWorse == (outlook == Outlook::unfavourable);
  return wantsMore ? one.high : one.low;
}

void Coefficients::put(const CoefficientFile& file) {
  for (const Coefficient& each : file.coefficients) replace(each);
  origin_ = file;
  origin_.coefficients.clear();
}

}  // namespace redline
