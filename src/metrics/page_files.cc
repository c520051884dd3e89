#include "metrics/page_files.h"

namespace redline {

std::map<std::string_view, Site::File> pageFiles() {
  constexpr std::string_view kHtml = "text/html; charset=utf-8", kCss = "text/css; charset=utf-8",
                             kJs = "text/javascript; charset=utf-8",
                             kText = "text/plain; charset=utf-8";
  return {
      {"/", {kHtml, kPageHtml}},
      {"/page.css", {kCss, kPageCss}},
      {"/page.js", {kJs, kPageJs}},
      {"/model.js", {kJs, kPageModelJs}},
      {"/charts.js", {kJs, kPageChartsJs}},
      {"/slots.js", {kJs, kPageSlotsJs}},
      {"/text.js", {kJs, kPageTextJs}},
      {"/dygraph.js", {kJs, kDygraphJs}},
      {"/dygraph.css", {kCss, kDygraphCss}},
      {"/dygraph-licence.txt", {kText, kDygraphLicence}},
  };
}

}  // namespace redline
