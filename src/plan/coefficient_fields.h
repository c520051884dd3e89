#pragma once

#include "json/json.h"
#include "plan/coefficients.h"

namespace redline {

void visit(auto& json, MappedAs<Coefficient> auto& coefficient) {
  json.field("name", coefficient.name);
  json.field("value", coefficient.value);
  json.field("low", coefficient.low);
  json.field("high", coefficient.high);
  json.field("count", coefficient.count);
  json.field("unit", coefficient.unit);
  json.field("source", coefficient.source);
}

}  // namespace redline
