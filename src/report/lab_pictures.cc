#include "report/lab_pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/axis_scale.h"
#include "report/pictures.h"

namespace redline {
namespace {

constexpr int kPaneHeight = 190, kSmallHeight = 190;

bool sameAxis(const LabAxis& a, const LabAxis& b) {
  return a.kind == b.kind && a.title == b.title && a.names == b.names && !a.title.empty();
}

/// The plots in their order, but for the main one, which comes first.
std::vector<const LabPlot*> inOrder(const ExperimentDocument& experiment) {
  std::vector<const LabPlot*> plots;
  for (const LabPlot& plot : experiment.plots) plots.push_back(&plot);
  std::ranges::stable_partition(plots, [](const LabPlot* plot) { return plot->isMain; });
  return plots;
}

/// Gives these axes one range, which shows all of their panels.
void align(const std::vector<Panel*>& panels, PanelAxis Panel::* axis,
           Extent (*extentOf)(const Panel&)) {
  if ((panels.front()->*axis).kind == AxisKind::names) return;
  Extent all;
  for (const Panel* const panel : panels) {
    const Extent own = extentOf(*panel);
    all.add(own.low);
    all.add(own.high);
    all.lowestPositive = std::min(all.lowestPositive, own.lowestPositive);
  }
  const AxisScale scale(panels.front()->*axis, all);
  for (Panel* const panel : panels) (panel->*axis).range = {scale.low(), scale.high()};
}

/// Panes share the x axis; those that show the same thing share the y axis too, so that their
/// heights compare.
void alignPanes(std::vector<Panel>& panels) {
  std::vector<Panel*> all;
  for (Panel& panel : panels) all.push_back(&panel);
  align(all, &Panel::x, extentX);
  for (Panel& panel : panels) {
    std::vector<Panel*> alike;
    for (Panel* const other : all)
      if (other->y.kind == panel.y.kind && other->y.title == panel.y.title) alike.push_back(other);
    if (alike.size() > 1 && alike.front() == &panel) align(alike, &Panel::y, extentY);
  }
}

void joinInto(Picture& picture, Picture more) {
  Panel& first = picture.panels.front();
  if (first.title.empty()) first.title = picture.title;
  more.panels.front().title = more.title;
  if (!more.description.empty() && picture.description.find(more.description) == std::string::npos)
    picture.description += (picture.description.empty() ? "" : " ") + more.description;
  picture.panels.push_back(std::move(more.panels.front()));
  picture.height = kPaneHeight * static_cast<int>(picture.panels.size());
}

}  // namespace

std::vector<Picture> picturesOf(const ExperimentDocument& experiment) {
  struct Drawn {
    const LabAxis* x;
    Picture picture;
  };
  std::vector<Drawn> all;
  for (const LabPlot* const plot : inOrder(experiment)) {
    Picture picture = pictureOf(*plot, experiment.name);
    if (picture.panels.empty()) continue;
    const auto beside =
        std::ranges::find_if(all, [&](const Drawn& each) { return sameAxis(*each.x, plot->x); });
    if (beside == all.end())
      all.push_back({&plot->x, std::move(picture)});
    else
      joinInto(beside->picture, std::move(picture));
  }
  std::vector<Picture> pictures;
  for (Drawn& each : all) {
    if (each.picture.panels.size() > 1) alignPanes(each.picture.panels);
    pictures.push_back(std::move(each.picture));
  }
  return pictures;
}

Picture glanceOf(const ExperimentDocument& experiment) {
  const auto plots = inOrder(experiment);
  if (plots.empty()) return {};
  Picture picture = pictureOf(*plots.front(), "glance-" + experiment.name);
  picture.height = kSmallHeight;
  return picture;
}

bool declaresMainPlot(const ExperimentDocument& experiment) {
  return std::ranges::any_of(experiment.plots, &LabPlot::isMain);
}

}  // namespace redline
