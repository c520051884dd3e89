#include "record/server_sample.h"

#include "base/text.h"

namespace redline {

double ServerSample::number(std::string_view field, double otherwise) const {
  const auto found = info.find(field);
  if (found == info.end()) return otherwise;
  return toNumber<double>(found->second).value_or(otherwise);
}

}  // namespace redline
