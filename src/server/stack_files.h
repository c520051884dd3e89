#pragma once

namespace redline {

/// In a stack's own directory; without it nothing there is ever removed.
inline constexpr const char* kStackMarker = ".redline-stack";

}  // namespace redline
