#include "report/svg.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"
#include "report/ink.h"
#include "report/text.h"

namespace redline {
namespace {

/// What lies between `open` and the next `close`, both included, becomes `by`. Once.
void replaceBetween(std::string& text, std::string_view open, std::string_view close,
                    std::string_view by) {
  const std::size_t begin = text.find(open);
  if (begin == std::string::npos) return;
  const std::size_t end = text.find(close, begin + open.size());
  if (end == std::string::npos) return;
  text.replace(begin, end + close.size() - begin, by);
}

/// gnuplot opens a group for each change of pen and often draws nothing in it.
void dropEmptyGroups(std::string& svg) {
  bool dropped = true;
  while (dropped) {
    dropped = false;
    std::string kept;
    kept.reserve(svg.size());
    std::size_t from = 0;
    for (std::size_t at = 0; (at = svg.find("<g ", at)) != std::string::npos;) {
      const std::size_t close = svg.find('>', at);
      if (close == std::string::npos) break;
      const std::size_t next = svg.find_first_not_of(" \t\n", close + 1);
      if (next != std::string::npos && svg.compare(next, 4, "</g>") == 0) {
        kept.append(svg, from, at - from);
        from = at = next + 4;
        dropped = true;
      } else {
        at = close;
      }
    }
    kept.append(svg, from, std::string::npos);
    svg = std::move(kept);
  }
}

void squeezeLines(std::string& svg) {
  std::string lines;
  lines.reserve(svg.size());
  for (std::size_t at = 0; at < svg.size();) {
    const std::size_t end = std::min(svg.find('\n', at), svg.size());
    const std::size_t begin = svg.find_first_not_of(" \t", at);
    if (begin < end) {
      lines.append(svg, begin, end - begin);
      lines += '\n';
    }
    at = end + 1;
  }
  svg = std::move(lines);
}

std::array<int, 3> components(std::string_view hex) {
  std::array<int, 3> rgb{};
  for (std::size_t i = 0; i < rgb.size(); ++i)
    std::from_chars(hex.data() + 1 + 2 * i, hex.data() + 3 + 2 * i, rgb[i], 16);
  return rgb;
}

/// gnuplot writes a colour in three ways; all become hexadecimal.
void unifyColour(std::string& svg, std::string_view hex) {
  const auto [r, g, b] = components(hex);
  replaceAll(svg, fmt::format("rgb({:>3}, {:>3}, {:>3})", r, g, b), hex);
  replaceAll(svg, fmt::format("rgb({},{},{})", r, g, b), hex);
}

template <typename Visit>
void eachInk(Visit&& visit) {
  for (const Ink& ink : kSurfaces) visit(ink);
  for (const Ink& ink : kLines) visit(ink);
}

}  // namespace

std::string standaloneSvg(std::string_view gnuplotSvg, std::string_view id, std::string_view title,
                          std::string_view description) {
  std::string svg(gnuplotSvg);
  replaceBetween(svg, "<filter id='textbox'", "</filter>", "");
  replaceBetween(svg, "<filter id='greybox'", "</filter>", "");
  for (const std::string_view quote : {"'", "\""}) {
    replaceAll(svg, fmt::format(" id={}", quote), fmt::format(" id={}{}-", quote, id));
    replaceAll(svg, fmt::format("href={}#", quote), fmt::format("href={}#{}-", quote, id));
  }
  // The first title and description are the picture's; lines have titles of their own.
  replaceBetween(svg, "<title>", "</title>",
                 fmt::format("<title id=\"{}-title\">{}</title>", id, escapeHtml(title)));
  replaceBetween(svg, "<desc>", "</desc>",
                 fmt::format("<desc id=\"{}-desc\">{}</desc>", id, escapeHtml(description)));
  replaceBetween(
      svg, "<svg", "viewBox",
      fmt::format("<svg role=\"img\" aria-labelledby=\"{0}-title {0}-desc\" viewBox", id));
  eachInk([&](const Ink& ink) { unifyColour(svg, ink.light); });
  replaceAll(svg, "color=\"black\"", fmt::format("color=\"{}\"", kText.light));
  replaceAll(svg, "color=\"gray\"", fmt::format("color=\"{}\"", kGrid.light));
  dropEmptyGroups(svg);
  squeezeLines(svg);
  return svg;
}

std::string inlineSvg(std::string_view standalone) {
  const std::size_t begin = standalone.find("<svg");
  std::string svg(begin == std::string_view::npos ? standalone : standalone.substr(begin));
  eachInk([&](const Ink& ink) { replaceAll(svg, ink.light, fmt::format("var(--{})", ink.name)); });
  return svg;
}

std::string svgColours(bool dark) {
  std::string css;
  eachInk([&](const Ink& ink) {
    css += fmt::format("--{}: {}; ", ink.name, dark ? ink.dark : ink.light);
  });
  css.pop_back();
  return css;
}

}  // namespace redline
