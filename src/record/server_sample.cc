#include "record/server_sample.h"

#include "base/text.h"

namespace redline {

std::string ServerSample::text(std::string_view field) const {
  const auto found = info.find(field);
  return found == info.end() ? std::string{} : found->second;
}

double ServerSample::number(std::string_view field, double otherwise) const {
  const auto found = info.find(field);
  if (found == info.end()) return otherwise;
  return toNumber<double>(found->second).value_or(otherwise);
}

}  // namespace redline
