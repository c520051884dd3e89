#include "report/plot_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>

#include "report/pictures.h"
#include "report/text_width.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr PlotWidth kBoth[] = {PlotWidth::wide, PlotWidth::narrow};

Picture pictureWith(std::vector<PanelSeries> series, AxisKind y = AxisKind::linear) {
  Panel panel{.x = {.title = "x"}, .y = {.title = "y", .kind = y}};
  panel.series = std::move(series);
  return {.id = "p", .title = "P", .panels = {std::move(panel)}};
}

Picture lineOf(AxisKind y, std::vector<LabPoint> points) {
  return pictureWith({{.title = "line", .ink = kText, .points = std::move(points)}}, y);
}

std::vector<std::string> allOf(const std::string& svg, const std::string& expression) {
  const std::regex wanted(expression);
  std::vector<std::string> found;
  for (std::sregex_iterator at(svg.begin(), svg.end(), wanted), end; at != end; ++at)
    found.push_back((*at)[1]);
  return found;
}

/// A text that is not slanted, as the box that it takes.
struct TextBox {
  double left = 0, right = 0, baseline = 0;
  std::string text;
};

std::vector<TextBox> textsIn(const std::string& svg) {
  const std::regex wanted(
      "<text x=\"([-0-9.]+)\" y=\"([-0-9.]+)\"(?: text-anchor=\"(\\w+)\")?[^>]*>([^<]*)</text>");
  std::vector<TextBox> boxes;
  for (std::sregex_iterator at(svg.begin(), svg.end(), wanted), end; at != end; ++at) {
    const double x = std::stod((*at)[1]), width = textWidth((*at)[4].str(), 13);
    const std::string anchor = (*at)[3];
    const double left = anchor == "end" ? x - width : anchor == "middle" ? x - width / 2 : x;
    boxes.push_back({left, left + width, std::stod((*at)[2]), (*at)[4]});
  }
  return boxes;
}

void expectNoOverlap(const std::string& svg) {
  const auto texts = textsIn(svg);
  const double width = std::stod(allOf(svg, "viewBox=\"0 0 ([0-9.]+) ").front());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_GE(texts[i].left, -0.5) << texts[i].text;
    EXPECT_LE(texts[i].right, width + 0.5) << texts[i].text;
    for (std::size_t j = 0; j < i; ++j) {
      const bool apart = texts[i].left >= texts[j].right || texts[j].left >= texts[i].right ||
                         std::abs(texts[i].baseline - texts[j].baseline) >= 13;
      EXPECT_TRUE(apart) << texts[i].text << " on " << texts[j].text;
    }
  }
}

TEST(PlotSvg, NoLabelTouchesAnotherWhateverTheAxesAre) {
  const std::vector<LabPoint> points{{0, 0.5, 0.4, 0.6}, {1, 0.9}, {2, kNaN}, {3, 12'345'678}};
  const std::vector<std::string> names{"uniform", "replica-preferred", "key-split-tag", "Zipf 1.1"};
  for (const AxisKind x : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                           AxisKind::logCount, AxisKind::names})
    for (const AxisKind y : {AxisKind::linear, AxisKind::count, AxisKind::share, AxisKind::latency,
                             AxisKind::logCount})
      for (const PlotWidth width : kBoth) {
        Picture picture = lineOf(y, points);
        Panel& panel = picture.panels[0];
        panel.x = {.title = "an axis", .kind = x, .names = names};
        for (const char* const title : {"one more", "BGSAVE, child on the generator's core", "c"})
          panel.series.push_back({.title = title, .ink = kLines[0], .points = points});
        panel.spans = {{.from = 0.5, .to = 1.5, .title = "bgsave"},
                       {.from = 1.4, .to = 1.6, .title = "bgsave again"}};
        panel.marks = {{.x = 1, .title = "knee"}, {.x = 1.01, .title = "another knee"}};
        picture.panels.push_back(panel);
        expectNoOverlap(plotSvg(picture, width));
      }
}

TEST(PlotSvg, NoLabelOfARunsPicturesTouchesAnother) {
  RunData run = soundRun();
  run.aside = {{0, 1}, {9, 10}};
  for (int i = 0; i < 9; ++i)
    run.brackets.push_back({{i + 0.1, i + 0.9}, "fault", "bgsave", "127.0.0.1:7600", false});
  Histogram& merged = run.dir.latency.merged["response"];
  for (Nanos us = 1; us < 20000; ++us) merged.record(us * 1000);
  const auto pictures = picturesOf(run);
  ASSERT_EQ(pictures.size(), 5U);
  for (const Picture& picture : pictures)
    for (const PlotWidth width : kBoth) expectNoOverlap(plotSvg(picture, width));
}

TEST(PlotSvg, EveryNameOfAnAxisIsThereSlantedWhereItIsNarrow) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {8, 2}});
  std::vector<std::string> names;
  for (char c = 'a'; c <= 'i'; ++c) names.push_back(std::string("replicas-") + c);
  picture.panels[0].x = {.kind = AxisKind::names, .names = names};
  for (const PlotWidth width : kBoth) {
    const std::string svg = plotSvg(picture, width);
    EXPECT_EQ(svg.find("rotate") != std::string::npos, width == PlotWidth::narrow);
    for (const std::string& name : names)
      if (width == PlotWidth::narrow) {
        EXPECT_THAT(svg, HasSubstr(">" + name + "</text>"));
      }
  }
}

TEST(PlotSvg, PicturesOfOnePageShareNoId) {
  Picture one = lineOf(AxisKind::linear, {{0, 1}, {1, 2}}), two = one;
  two.id = "q";
  std::set<std::string> seen;
  std::size_t count = 0;
  for (const Picture& picture : {one, two})
    for (const PlotWidth width : kBoth)
      for (const std::string& id : allOf(plotSvg(picture, width), " id=\"([^\"]*)\"")) {
        ++count;
        EXPECT_TRUE(seen.insert(id).second) << id;
      }
  EXPECT_EQ(count, 8U);
}

TEST(PlotSvg, SaysWhatItShowsToAScreenReader) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {1, 2}});
  picture.title = "Title <1>";
  picture.description = "About & more";
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  EXPECT_THAT(svg, HasSubstr("role=\"img\" aria-labelledby=\"p-title p-desc\""));
  EXPECT_THAT(svg, HasSubstr("<title id=\"p-title\">Title &lt;1&gt;</title>"));
  EXPECT_THAT(svg, HasSubstr("<desc id=\"p-desc\">About &amp; more</desc>"));
}

TEST(PlotSvg, NoNameEndsAText) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {1, 2}});
  const std::string evil = "</text>\"><script>\x01";
  picture.panels[0].series[0].title = picture.panels[0].y.title = picture.panels[0].x.title = evil;
  picture.panels[0].marks = {{.x = 0.5, .title = evil}};
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("\x01")));
  EXPECT_THAT(svg, HasSubstr("&lt;script&gt;"));
}

TEST(PlotSvg, EveryColourFollowsThePage) {
  const std::string svg = plotSvg(latencyOverTime(soundRun()), PlotWidth::wide);
  for (const char* const literal : {"rgb(", "\"#", ":#", "black", "gray"})
    EXPECT_THAT(svg, Not(HasSubstr(literal)));
  EXPECT_THAT(svg, HasSubstr("color:var(--line1)"));
}

TEST(PlotSvg, ADocumentOfItsOwnBringsItsColoursForLightAndDark) {
  const std::string svg = standalonePlot(lineOf(AxisKind::linear, {{0, 1}, {1, 2}}));
  EXPECT_TRUE(svg.starts_with("<svg"));
  EXPECT_THAT(svg, HasSubstr("xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr(plotColours(false)));
  EXPECT_THAT(svg, HasSubstr(plotColours(true)));
  EXPECT_THAT(svg, HasSubstr(".plot .line"));
}

TEST(PlotSvg, LightAndDarkGiveTheSameVariables) {
  const std::string light = plotColours(false), dark = plotColours(true);
  EXPECT_EQ(allOf(light, "--(\\w+):"), allOf(dark, "--(\\w+):"));
  EXPECT_THAT(light, HasSubstr("--line1: #0072b2;"));
  EXPECT_THAT(dark, HasSubstr("--line1: #56b4e9;"));
}

/// What the page's script reads off an axis: kind, ends, pixels of the ends, title.
struct AxisData {
  std::string kind;
  double low = 0, high = 0, from = 0, to = 0;
};

AxisData axisOf(const std::string& svg, char axis) {
  std::istringstream words(allOf(svg, std::string("data-") + axis + "=\"([^\"]*)\"").front());
  AxisData data;
  words >> data.kind >> data.low >> data.high >> data.from >> data.to;
  return data;
}

TEST(PlotSvg, APointLiesWhereItsAxesSay) {
  for (const PlotWidth width : kBoth) {
    const std::string svg =
        plotSvg(lineOf(AxisKind::latency, {{0, 100}, {5, 1000}, {10, 100'000}}), width);
    const AxisData x = axisOf(svg, 'x'), y = axisOf(svg, 'y');
    EXPECT_EQ(x.kind, "linear");
    EXPECT_EQ(y.kind, "latency");
    EXPECT_DOUBLE_EQ(y.low, 100);
    EXPECT_DOUBLE_EQ(y.high, 100'000);
    const auto lines = allOf(svg, "class=\"line\" d=\"(M[0-9.,L]+)\"");
    std::smatch found;
    ASSERT_TRUE(std::regex_match(lines.back(), found,
                                 std::regex("M([0-9.]+),([0-9.]+)L([0-9.]+),([0-9.]+)L.*")));
    EXPECT_NEAR(std::stod(found[1]), x.from - x.low / (x.high - x.low) * (x.to - x.from), 0.06);
    EXPECT_NEAR(std::stod(found[2]), y.from, 0.06);
    EXPECT_NEAR(std::stod(found[4]), y.from + (y.to - y.from) / 3, 0.06);
  }
}

TEST(PlotSvg, APointThatIsNotANumberBreaksItsLine) {
  const std::string svg = plotSvg(
      lineOf(AxisKind::count, {{0, 1}, {1, 2}, {2, kNaN}, {3, 3}, {4, 3}}), PlotWidth::wide);
  const std::string line = allOf(svg, "class=\"line\" d=\"(M[0-9.,LM]+)\"").back();
  EXPECT_EQ(std::ranges::count(line, 'M'), 2);
  EXPECT_EQ(std::ranges::count(line, 'L'), 2);
}

TEST(PlotSvg, ADenseLineKeepsItsExtremes) {
  std::vector<LabPoint> points;
  for (int i = 0; i < 100'000; ++i) points.push_back({double(i), 100.0 + (i % 7)});
  points[50'003].y = 5000;
  const std::string svg = plotSvg(lineOf(AxisKind::count, points), PlotWidth::wide);
  EXPECT_LT(svg.size(), 60'000U);
  const AxisData y = axisOf(svg, 'y');
  EXPECT_DOUBLE_EQ(y.high, 5000);
  EXPECT_THAT(svg, testing::ContainsRegex("L[0-9.]+," + std::to_string(int(y.to)) + "L"));
}

TEST(PlotSvg, LinesOfAPanelDifferInMoreThanColour) {
  std::vector<PanelSeries> series;
  for (std::size_t i = 0; i < 5; ++i)
    series.push_back({.title = std::string(1, static_cast<char>('a' + i)),
                      .ink = kLines[i],
                      .points = {{0, double(i)}, {1, double(i + 1)}}});
  const std::string svg = plotSvg(pictureWith(series), PlotWidth::wide);
  std::set<std::string> looks;
  for (const std::string& key :
       allOf(svg, "<g style=\"[^\"]*\"><path[^>]*>(<path [^>]*>)</g><text[^>]*>[a-e]</text>")) {
    // The symbol's shape without its place.
    looks.insert(std::regex_replace(key, std::regex("M[0-9.]+,[0-9.]+"), "M"));
  }
  EXPECT_EQ(looks.size(), 5U);
}

TEST(PlotSvg, ALineAloneNeedsNoSymbols) {
  std::vector<LabPoint> points(300);
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {double(i), 1.0};
  const std::string svg = plotSvg(lineOf(AxisKind::count, points), PlotWidth::wide);
  EXPECT_THAT(svg, Not(HasSubstr("class=\"symbol\"")));
}

TEST(PlotSvg, StackedBarsStandOnEachOther) {
  Picture picture =
      pictureWith({{.title = "below", .shape = PanelSeries::Shape::bars, .points = {{0, 1}}},
                   {.title = "above",
                    .shape = PanelSeries::Shape::bars,
                    .points = {{.x = 0, .y = 3, .low = 1}}}},
                  AxisKind::count);
  picture.panels[0].barWidth = 0.5;
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  const auto bars = allOf(svg, "class=\"fill[^\"]*\" d=\"(M[0-9.]+,[0-9.]+V[0-9.]+H[^\"]*)\"");
  ASSERT_EQ(bars.size(), 2U);
  const std::regex ends("M[0-9.]+,([0-9.]+)V([0-9.]+).*");
  std::smatch below, above;
  ASSERT_TRUE(std::regex_match(bars[0], below, ends));
  ASSERT_TRUE(std::regex_match(bars[1], above, ends));
  EXPECT_EQ(below[2], above[1]);
  EXPECT_LT(std::stod(above[2]), std::stod(above[1]));
}

TEST(PlotSvg, AHeatMapIsDarkerWhereMoreIsAndShowsASingleSlowOperation) {
  const Picture picture = pictureWith({{.title = "operations",
                                        .ink = kLines[0],
                                        .shape = PanelSeries::Shape::heat,
                                        .cellWidth = 0.1,
                                        .points = {{.x = 0, .y = 5000, .low = 100, .high = 200},
                                                   {.x = 0, .y = 1, .low = 1e5, .high = 2e5},
                                                   {.x = 0.1, .y = 70, .low = 100, .high = 200}}}},
                                      AxisKind::latency);
  for (const PlotWidth width : kBoth) {
    const std::string svg = plotSvg(picture, width);
    const std::string cell = "\" d=\"(M[0-9.]+,[0-9.]+h[0-9.]+v-[0-9.]+h-[0-9.]+z)\"";
    // In the key as well, where each shade has a swatch.
    EXPECT_EQ(allOf(svg, "class=\"heat" + cell).size(), 1U);
    EXPECT_EQ(allOf(svg, "class=\"heat h1" + cell).size(), 1U);
    EXPECT_EQ(allOf(svg, "class=\"heat h3" + cell).size(), 1U);
    const AxisData x = axisOf(svg, 'x'), y = axisOf(svg, 'y');
    EXPECT_DOUBLE_EQ(y.high, 2e5);
    EXPECT_GE(x.high, 0.2) << "cells have a width";
    // The script reads the slowest of each place.
    EXPECT_EQ(allOf(svg, "data-title=\"slowest\" data-points=\"([0-9.]+,[0-9.]+) [^ ]*\"").size(),
              1U);
  }
}

TEST(PlotSvg, ABandIsTheAreaBetweenItsEndsFromGapToGap) {
  const Picture picture =
      pictureWith({{.title = "all runs",
                    .ink = kLines[0],
                    .shape = PanelSeries::Shape::band,
                    .points = {{0, 5, 1, 9}, {1, 5, 2, 8}, {2, kNaN}, {3, 5, 3, 7}, {4, 5, 4, 6}}}},
                  AxisKind::count);
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  const std::string band = allOf(svg, "class=\"band\" d=\"(M[0-9.,LMz]+)\"").back();
  EXPECT_EQ(std::ranges::count(band, 'z'), 2);
  EXPECT_EQ(std::ranges::count(band, 'L'), 6);
  EXPECT_GE(axisOf(svg, 'y').high, 9) << "it sizes the axis";
}

TEST(PlotSvg, TheDataStaysBelowTheTitlesOfSpans) {
  Picture picture = lineOf(AxisKind::count, {{0, 100}, {1, 100}});
  const double bare = axisOf(plotSvg(picture, PlotWidth::wide), 'y').to;
  picture.panels[0].spans = {{.from = 0.2, .to = 0.8, .title = "bgsave"}};
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  EXPECT_GT(axisOf(svg, 'y').to, bare + 13);
  const auto texts = textsIn(svg);
  const auto note = std::ranges::find(texts, "bgsave", &TextBox::text);
  ASSERT_NE(note, texts.end());
  EXPECT_LT(note->baseline, axisOf(svg, 'y').to);
}

TEST(PlotSvg, PanelsStandBelowEachOtherInTheirShares) {
  Picture picture = lineOf(AxisKind::linear, {{0, 1}, {1, 2}});
  picture.panels.push_back(picture.panels[0]);
  picture.panels[0].weight = 2;
  std::vector<AxisData> panels;
  const std::string svg = plotSvg(picture, PlotWidth::wide);
  for (const std::string& text : allOf(svg, "data-y=\"([^\"]*)\"")) {
    std::istringstream words(text);
    AxisData& data = panels.emplace_back();
    words >> data.kind >> data.low >> data.high >> data.from >> data.to;
  }
  ASSERT_EQ(panels.size(), 2U);
  EXPECT_LT(panels[0].from, panels[1].to);
  EXPECT_NEAR(panels[0].from - panels[0].to, 2 * (panels[1].from - panels[1].to), 0.2);
}

}  // namespace
}  // namespace redline
