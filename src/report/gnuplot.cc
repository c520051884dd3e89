#include "report/gnuplot.h"

#include "os/gated_child.h"
#include "os/program.h"

namespace redline {
namespace {

constexpr Nanos kTimeLimit = 120 * kSecond;

}  // namespace

Result<std::string> drawWithGnuplot(const std::string& script) {
  if (!findProgram("gnuplot"))
    return fail(ErrorCode::io,
                "cannot draw the plots: gnuplot is not installed; on Debian 'apt install "
                "gnuplot-nox' brings it (scripts/setup does so too)");
  // -d: no init files of the user's, who may have set anything in them.
  auto drawn = runProgram({"gnuplot", "-d"}, kTimeLimit, script);
  if (!drawn) return fail(std::move(drawn.error()));
  if (!drawn->succeeded() || drawn->output.find("</svg>") == std::string::npos)
    return fail(ErrorCode::io, "gnuplot could not draw a plot: {}", drawn->failure());
  return std::move(drawn->output);
}

Drawer installedDrawer() {
  return findProgram("gnuplot") ? Drawer(drawWithGnuplot) : Drawer();
}

}  // namespace redline
