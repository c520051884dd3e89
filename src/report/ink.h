#pragma once

#include <array>
#include <string_view>

namespace redline {

/// A colour of pages and pictures: its CSS variable, and what it is on light paper and on dark.
struct Ink {
  std::string_view name;
  std::string_view light;
  std::string_view dark;
};

// Lines: Okabe and Ito's colours, which people with any kind of colour blindness tell apart, light
// ones darkened for white paper. Every line also has a dash pattern or symbols of its own.
inline constexpr Ink kText{"ink", "#24292f", "#e6e6e6"};
inline constexpr Ink kGrid{"grid", "#d4d8dd", "#3a4047"};
inline constexpr Ink kQuiet{"quiet", "#57606a", "#9aa4ae"};
inline constexpr Ink kShade{"shade", "#8a9199", "#8b949e"};
inline constexpr Ink kPaper{"paper", "#fffffe", "#16191d"};
inline constexpr std::array<Ink, 6> kLines{{
    {"line1", "#0072b2", "#56b4e9"},
    {"line2", "#009e73", "#2fd0a0"},
    {"line3", "#d55e00", "#ff9248"},
    {"line4", "#b05a8f", "#e8a0cb"},
    {"line5", "#c98500", "#f5c04a"},
    {"line6", "#5b5fc7", "#a7a9ff"},
}};

inline constexpr std::array<Ink, 5> kSurfaces{kText, kQuiet, kGrid, kShade, kPaper};

}  // namespace redline
