#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"
#include "record/reason.h"

namespace redline {

/// Reasons are two lists in a file: their texts under `name` (the contract's), and their codes
/// beside it in "invalid_codes". Files of older versions have the texts only.
template <typename Json, typename AnyReasons>
void visitReasons(Json& json, std::string_view name, AnyReasons& reasons) {
  std::vector<std::string> texts = textsOf(reasons), codes = codesOf(reasons);
  json.field(name, texts);
  json.field("invalid_codes", codes);
  if constexpr (Json::kReads) reasons = reasonsFrom(std::move(texts), codes);
}

}  // namespace redline
