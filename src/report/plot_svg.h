#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// How wide a picture is drawn. Letters keep their size, so a phone gets a drawing of its own.
enum class PlotWidth { wide, narrow };

/// The picture as an <svg> element of a page: colours and sizes are the page's (plot.css,
/// plotColours()), every id begins with the picture's, no program or font is needed. Lines differ
/// in colour, and in dashes or symbols as well.
std::string plotSvg(const Picture& picture, PlotWidth width);

/// The wide drawing as a document of its own, for light screens, dark ones and paper.
std::string standalonePlot(const Picture& picture);

/// "--ink: #24292f; --grid: …" for light paper or dark.
std::string plotColours(bool dark);

}  // namespace redline
