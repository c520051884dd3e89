#pragma once

#include <string>
#include <vector>

#include "top/run_view.h"
#include "top/screen.h"

namespace redline {

// The same as in screen.h, of a run of redline.

std::vector<std::string> runScreen(const RunView& view, const ScreenTitle& title,
                                   const ScreenStyle& style);
std::string runLine(const RunView& view, Nanos wall);
std::string runJson(const RunView& view, Nanos wall);

}  // namespace redline
