#pragma once

#include <string>

#include "report/document.h"

namespace redline {

/// The gnuplot script that draws the picture's panels below each other. It holds its data, sets the
/// SVG terminal, and has gnuplot format the ticks ("10 µs", "1.5M"). Texts are quoted.
std::string plotScript(const Picture& picture);

}  // namespace redline
