#include "report/svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "report/gnuplot.h"
#include "report/ink.h"
#include "report/pictures.h"
#include "report/plot_script.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> idsIn(const std::string& svg) {
  std::vector<std::string> ids;
  for (const std::string_view open : {" id=\"", " id='"})
    for (std::size_t at = 0; (at = svg.find(open, at)) != std::string::npos;) {
      at += open.size();
      ids.push_back(svg.substr(at, svg.find(open.back(), at) - at));
    }
  return ids;
}

std::string drawnPlot() {
  const auto svg = drawWithGnuplot(plotScript(latencyOverTime(soundRun())));
  EXPECT_TRUE(svg) << (svg ? "" : svg.error().message);
  return svg.value_or("");
}

TEST(Svg, PicturesOfOnePageShareNoId) {
  const std::string drawn = drawnPlot();
  std::set<std::string> seen;
  std::size_t count = 0;
  for (const std::string_view id : {"one", "two"})
    for (const std::string& each : idsIn(standaloneSvg(drawn, id, "t", "d"))) {
      ++count;
      EXPECT_TRUE(seen.insert(each).second) << each;
    }
  EXPECT_GT(count, 10U);
}

TEST(Svg, ReferencesPointToIdsThatAreThere) {
  RunData run = soundRun();
  run.dir.events.push_back(eventAt(1, "slowlog", "keys", 5'000'000));
  const std::string svg =
      standaloneSvg(*drawWithGnuplot(plotScript(latencyOverTime(run))), "one", "t", "d");
  const auto ids = idsIn(svg);
  std::size_t references = 0;
  for (std::size_t at = 0; (at = svg.find("href='#", at)) != std::string::npos; ++references) {
    at += 7;
    EXPECT_THAT(ids, testing::Contains(svg.substr(at, svg.find('\'', at) - at)));
  }
  EXPECT_GT(references, 10U);
}

TEST(Svg, SaysWhatItShowsToAScreenReader) {
  const std::string svg = standaloneSvg(drawnPlot(), "one", "Title <1>", "About & more");
  EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-labelledby=\"one-title one-desc\""));
  EXPECT_THAT(svg, HasSubstr("<title id=\"one-title\">Title &lt;1&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("<desc id=\"one-desc\">About &amp; more</desc>"));
  EXPECT_THAT(svg, Not(HasSubstr("GNUPLOT")));
}

TEST(Svg, InAPageEveryColourFollowsThePage) {
  const std::string svg = inlineSvg(standaloneSvg(drawnPlot(), "one", "t", "d"));
  EXPECT_TRUE(svg.starts_with("<svg"));
  for (const char* const attribute : {"stroke", "fill", "color"})
    for (const char* const literal : {"=\"rgb", "='rgb", "=\"#", "='#", "=\"black", "=\"gray"})
      EXPECT_THAT(svg, Not(HasSubstr(std::string(attribute) + literal)));
  EXPECT_THAT(svg, HasSubstr("var(--ink)"));
  EXPECT_THAT(svg, HasSubstr("var(--line1)"));
}

TEST(Svg, LightAndDarkGiveTheSameVariables) {
  const std::string light = svgColours(false);
  const std::string dark = svgColours(true);
  EXPECT_EQ(std::ranges::count(light, ':'), std::ranges::count(dark, ':'));
  EXPECT_THAT(light, HasSubstr("--line1: #0072b2;"));
  EXPECT_THAT(dark, HasSubstr("--line1: #56b4e9;"));
}

TEST(Gnuplot, SaysWhatItDidNotLike) {
  const auto svg = drawWithGnuplot("set terminal svg\nplot nonsense(\n");
  ASSERT_FALSE(svg);
  EXPECT_THAT(svg.error().message, HasSubstr("gnuplot could not draw a plot: "));
}

TEST(Gnuplot, IsNoDrawerWhereItIsNotOnThePath) {
  const std::string path = std::getenv("PATH");
  EXPECT_TRUE(installedDrawer());
  setenv("PATH", "/nonexistent:", 1);
  EXPECT_FALSE(installedDrawer());
  setenv("PATH", path.c_str(), 1);
}

TEST(Gnuplot, MissingSaysWhatToInstall) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nonexistent", 1);
  const auto svg = drawWithGnuplot("set terminal svg\nplot x\n");
  setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(svg);
  EXPECT_THAT(svg.error().message,
              AllOf(HasSubstr("gnuplot is not installed"), HasSubstr("apt install gnuplot-nox")));
}

}  // namespace
}  // namespace redline
