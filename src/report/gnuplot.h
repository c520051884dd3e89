#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace redline {

/// Draws a gnuplot script that sets the SVG terminal itself and writes to standard output. Empty:
/// plots are left out of the report.
using Drawer = std::function<Result<std::string>(const std::string& script)>;

/// Runs gnuplot(1) once: the script, data included, goes in by its standard input and the SVG comes
/// out by its standard output. Nothing passes a shell or a file with a name. Without gnuplot the
/// error says what to install.
Result<std::string> drawWithGnuplot(const std::string& script);

/// drawWithGnuplot; empty where gnuplot is not on PATH.
Drawer installedDrawer();

/// What to tell the user then.
inline constexpr const char* kPlotsLeftOut =
    "gnuplot is not installed, so the plots are left out: on Debian 'apt install gnuplot-nox' "
    "brings it (scripts/setup does so too)";

}  // namespace redline
