#include "rundir/plan.h"

#include <fmt/chrono.h>

#include <ctime>

#include "rundir/environment_json.h"
#include "rundir/json_fields.h"

namespace redline {
namespace {

constexpr unsigned kSchema = 1;

std::string utc(Nanos wall) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                     fmt::gmtime(static_cast<std::time_t>(wall / kSecond)), wall % kSecond);
}

}  // namespace

std::string planToJson(const Plan& plan) {
  Json json;
  json["schema"] = kSchema;
  json["redline_version"] = plan.redlineVersion;
  json["command"] = plan.command;
  json["config"] = configJson(plan.config);
  json["environment"] = environmentJson(plan.environment);
  json["epoch"] = {
      {"utc", utc(plan.wallZero)}, {"wall_ns", plan.wallZero}, {"clock_ns", plan.clockZero}};
  return toText(json, 2) + "\n";
}

Result<Plan> planFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  const auto json = parseJson(text, name, 1, cutOff);
  if (!json) return fail(json.error());
  std::string problem;
  Plan plan;
  unsigned schema = 0;
  JsonFields fields(*json, "", problem);
  fields.read("schema", schema);
  fields.read("redline_version", plan.redlineVersion);
  fields.read("command", plan.command);
  fields.read("config", plan.config);
  fields.object("environment", [&](JsonFields of) { readEnvironment(of, plan.environment); });
  fields.object("epoch", [&](JsonFields of) {
    of.read("wall_ns", plan.wallZero);
    of.read("clock_ns", plan.clockZero);
  });
  if (problem.empty() && schema != kSchema)
    problem = fmt::format("schema {} where {} is read", schema, kSchema);
  if (!problem.empty()) return fail(ErrorCode::invalidInput, "{}: {}", name, problem);
  return plan;
}

}  // namespace redline
