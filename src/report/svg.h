#pragma once

#include <string>
#include <string_view>

namespace redline {

/// gnuplot's SVG made fit to stand beside others: every id begins with `id`, title and description
/// say what is to be seen, groups without content are gone. A document of its own, in light
/// colours on white paper.
std::string standaloneSvg(std::string_view gnuplotSvg, std::string_view id, std::string_view title,
                          std::string_view description);

/// standaloneSvg's document as an element of a page: no XML declaration, and colours that follow
/// the page's CSS variables (svgColours()).
std::string inlineSvg(std::string_view standalone);

/// "--ink: #24292f; --grid: …" for light paper or dark.
std::string svgColours(bool dark);

}  // namespace redline
