#include "doctor/facts.h"

#include <algorithm>
#include <cmath>

#include "base/numbers.h"
#include "server/admin.h"

namespace redline {

double KeySurvey::chance() const {
  return whole ? 1 : -std::expm1(-shareOf(looked, keys));  // drawn with repetition
}

std::string_view ServerFacts::setting(std::string_view name) const {
  if (!settings) return {};
  const auto found = settings->find(name);
  return found == settings->end() ? std::string_view{} : std::string_view(found->second);
}

bool ServerFacts::lacksConfig() const {
  return !settings && isUnknownCommand(settings.error().message);
}

double ServerFacts::perSecond(std::string_view field) const {
  const double grown = info.number(field) - before.number(field);
  return watched > 0 ? std::max(0.0, grown) / toSeconds(watched) : 0;
}

bool DoctorFacts::anyHere() const {
  return std::ranges::any_of(servers, &ServerFacts::here);
}

}  // namespace redline
