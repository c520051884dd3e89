#pragma once

#include <string_view>

namespace redline {

/// src/plan/coefficients.json.
extern const std::string_view kCoefficientsJson;

}  // namespace redline
