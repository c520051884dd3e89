#include "doctor/report_json.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "json/json.h"

namespace redline {
namespace {

constexpr unsigned kSchema = 1;
constexpr std::array<std::string_view, 4> kSeverities{"dangerous", "costs latency", "unknown",
                                                      "fine"};

}  // namespace

void visit(auto& json, MappedAs<CheckResult> auto& result) {
  const Diagnosis& judgement = result.judgement;
  json.field("check", result.check);
  json.field("title", result.title);
  json.field("subject", result.subject.empty() ? std::string("machine") : result.subject);
  json.field("severity", judgement.severity, kSeverities);
  json.field("evidence", judgement.evidence);
  if (!judgement.effect.empty()) json.field("effect", judgement.effect);
  if (judgement.price != nullptr)
    json.object("price", [&](auto& price) {
      price.field("text", judgement.price->text);
      price.field("origin", judgement.price->origin);
      price.field("file", judgement.price->file);
    });
  if (!judgement.fix.empty()) json.field("fix", judgement.fix);
}

std::string doctorJson(const std::vector<CheckResult>& results) {
  JsonDocument document;
  JsonWriter json = document.writer();
  json.schema(kSchema);
  json.object("counts", [&](JsonWriter& counts) {
    for (std::size_t i = 0; i < kSeverities.size(); ++i)
      counts.field(kSeverities[i], std::ranges::count_if(results, [i](const CheckResult& result) {
                     return static_cast<std::size_t>(result.judgement.severity) == i;
                   }));
  });
  json.field("results", results);
  return document.text(2) + "\n";
}

std::string_view nameOf(Severity severity) {
  return kSeverities[static_cast<std::size_t>(severity)];
}

}  // namespace redline
