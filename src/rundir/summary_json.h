#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "record/summary.h"

namespace redline {

/// summary.json, by the contract's field names. Every field of the contract is there, whatever the
/// run was; a figure that is not finite is null.
std::string summaryToJson(const Summary& summary);

/// Reads it back. Unknown fields are ignored, missing ones keep their defaults; a
/// field of a wrong type, or another schema, is an error that names it after `name`. `cutOff`, when
/// given, is set if the text merely ends too early.
Result<Summary> summaryFromJson(std::string_view text, std::string_view name,
                                bool* cutOff = nullptr);

}  // namespace redline
