#include "report/page_style.h"

#include <fmt/format.h>

#include <string_view>

#include "report/svg.h"

namespace redline {
namespace {

constexpr std::string_view kLightColours =
    "--back: #ffffff; --panel: #f5f7f9; --quiet: #57606a; --good: #1a7f37; --bad: #cf222e; "
    "--unsure: #9a6700;";
constexpr std::string_view kDarkColours =
    "--back: #0f1215; --panel: #16191d; --quiet: #9aa4ae; --good: #4ac26b; --bad: #ff7b72; "
    "--unsure: #e3b341;";

constexpr std::string_view kRules = R"(
* { box-sizing: border-box; }
html { background: var(--back); color: var(--ink); }
body { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem;
  font: 1rem/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; margin: 3rem 0 .25rem; padding-top: 1rem; border-top: 2px solid var(--grid);
  overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; }
a { color: var(--line1); }
.quiet { color: var(--quiet); font-size: .875rem; }
.verdict { margin: 1rem 0; padding: .75rem 1rem; background: var(--panel);
  border-left: .4rem solid var(--unsure); border-radius: .25rem; }
.verdict.valid { border-color: var(--good); }
.verdict.invalid { border-color: var(--bad); }
.verdict strong { font-size: 1.1rem; }
.verdict.valid strong { color: var(--good); }
.verdict.invalid strong { color: var(--bad); }
.verdict.unknown strong { color: var(--unsure); }
.verdict ul { margin: .4rem 0 0; padding-left: 1.2rem; }
pre { margin: .5rem 0; padding: .75rem 1rem; background: var(--panel); border: 1px solid var(--grid);
  border-radius: .25rem; white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
pre span { display: inline-block; max-width: 100%; }
code, pre { font: .85rem/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.findings { padding: 0; list-style: none; margin: .5rem 0; }
.findings li { margin: .6rem 0; padding-left: 1.6rem; position: relative; }
.findings li::before { position: absolute; left: .1rem; content: "\00b7"; font-weight: 700; }
.findings .problem::before { content: "!"; left: .25rem; color: var(--bad); }
.findings .notable::before { content: "\25b8"; color: var(--unsure); }
.findings .plain::before { content: "\2713"; color: var(--good); }
.findings .quiet { display: block; }
.wide { overflow-x: auto; }
.key { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
.key dt { color: var(--quiet); font-size: .875rem; }
.key dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--grid); text-align: right;
  white-space: nowrap; vertical-align: top; }
th { color: var(--quiet); font-weight: 600; }
th:first-child, td:first-child, .prose th, .prose td { text-align: left; padding-left: 0; }
.prose td:last-child { white-space: normal; overflow-wrap: anywhere; min-width: 16rem; }
.prose th, .prose td { padding-right: 1rem; }
.pair { display: flex; flex-wrap: wrap; gap: 0 3.5rem; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; border: 1px solid var(--grid);
  border-radius: .25rem; }
@media screen { figure svg { min-width: 40rem; } }
figure svg text { font-family: inherit; }
figure svg tspan { font-family: inherit; }
figcaption { margin-top: .4rem; }
.lab th { white-space: normal; vertical-align: bottom; min-width: 4rem; }
.lab tbody th { vertical-align: top; min-width: 8rem; }
.lab.prose td { white-space: normal; min-width: 5rem; }
.lab.prose td:last-child { min-width: 12rem; }
.range { display: block; color: var(--quiet); font-size: .8rem; white-space: nowrap; }
.flags { line-height: 1.9; }
.flags code { white-space: nowrap; margin-right: .8rem; }
.findings .figure::before { content: "\25aa"; color: var(--quiet); }
.findings .unsure::before { content: "?"; left: .2rem; color: var(--unsure); }
.slo td, .slo th { text-align: left; white-space: normal; padding-left: 0; min-width: 5.5rem; }
.slo td .quiet { display: block; }
.slo td:nth-child(3) { min-width: 15rem; }
.slo tbody th { font-weight: 400; color: inherit; min-width: 12rem; }
.verdict-met b, .verdict-found b { color: var(--good); }
.verdict-missed b, .verdict-invalid b { color: var(--bad); }
.verdict-inconclusive b, .verdict-not-measured b { color: var(--unsure); }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--line1); }
.run { margin: .75rem 0 0 1rem; }
.run:target { outline: 2px solid var(--line1); outline-offset: .3rem; }
.run pre code { white-space: pre-wrap; overflow-wrap: anywhere; }
nav ul { padding-left: 1.2rem; margin: .5rem 0; }
@page { margin: 14mm; }
@media screen and (max-width: 48rem) {
  .slo, .slo tbody { display: block; }
  .slo thead { display: none; }
  .slo tr { display: grid; grid-template-columns: 1fr auto; gap: .15rem 1rem; padding: .6rem 0;
    border-bottom: 1px solid var(--grid); }
  .slo tr th, .slo tr td { display: block; border: 0; padding: 0; min-width: 0; grid-column: 1 / -1; }
  .slo tr th { grid-column: 1; font-weight: 600; }
  .slo tr td:nth-child(3) { min-width: 0; }
  .slo tr td:nth-child(4) { grid-column: 2; grid-row: 1; }
  .slo tr td:nth-child(2)::before { content: "target: "; color: var(--quiet); }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .verdict, pre { border: 1px solid var(--grid); }
  .verdict { border-left-width: .4rem; }
  .wide { overflow: visible; }
  .quiet { font-size: 8.5pt; }
  table { font-size: 8pt; }
  th, td { padding: .15rem .35rem; }
  .lab th, .lab.prose td, .lab.prose td:last-child { min-width: 0; overflow-wrap: anywhere; }
  .range { font-size: 7pt; }
  h2 { break-before: page; border-top: 0; }
  h2.first, #findings, #experiments { break-before: auto; }
  h3 { break-after: avoid; }
  .verdict, tr, .findings li { break-inside: avoid; }
  .pair { gap: 0 2rem; }
  .key dd { font-size: 12pt; }
}
)";

}  // namespace

std::string pageStyle() {
  const auto root = [](bool dark) {
    return fmt::format(":root {{ {} {} }}", dark ? kDarkColours : kLightColours, svgColours(dark));
  };
  return fmt::format(
      "\n:root {{ color-scheme: light dark; }}\n{}\n@media screen and (prefers-color-scheme: dark) "
      "{{ {} }}{}",
      root(false), root(true), kRules);
}

}  // namespace redline
