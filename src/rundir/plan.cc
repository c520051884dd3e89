#include "rundir/plan.h"

#include <fmt/chrono.h>

#include <ctime>

#include "json/json.h"
#include "rundir/environment_json.h"

namespace redline {
namespace {

constexpr unsigned kPlanSchema = 1;

std::string utc(Nanos wall) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:09}Z",
                     fmt::gmtime(static_cast<std::time_t>(wall / kSecond)), wall % kSecond);
}

}  // namespace

void visit(auto& json, MappedAs<Plan> auto& plan) {
  json.schema(kPlanSchema);
  json.field("redline_version", plan.redlineVersion);
  json.field("command", plan.command);
  json.field("config", plan.config);
  json.field("environment", plan.environment);
  json.object("epoch", [&](auto& epoch) {
    epoch.derived("utc", [&] { return utc(plan.wallZero); });
    epoch.field("wall_ns", plan.wallZero);
    epoch.field("clock_ns", plan.clockZero);
  });
}

std::string planToJson(const Plan& plan) {
  return writeJson(plan, 2) + "\n";
}

Result<Plan> planFromJson(std::string_view text, std::string_view name, bool* cutOff) {
  return readJson<Plan>(text, {.name = name, .cutOff = cutOff});
}

}  // namespace redline
