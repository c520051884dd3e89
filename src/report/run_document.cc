#include "report/run_document.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/shell.h"
#include "base/units.h"
#include "record/product.h"
#include "report/findings.h"
#include "report/pictures.h"
#include "report/run_tables.h"

namespace redline {
namespace {

std::string hostOf(const RunData& run) {
  const EnvironmentFigures& e = run.figures.environment;
  std::vector<std::string> parts;
  if (!e.cpu.empty()) parts.push_back(fmt::format("{}, {} cores", e.cpu, e.cores));
  if (e.memoryBytes != 0) parts.push_back(formatSize(e.memoryBytes));
  if (!e.kernel.empty()) parts.push_back("Linux " + e.kernel);
  if (!e.redisVersion.empty()) parts.push_back(productText(e.redisVersion));
  if (run.dir.plan) parts.push_back("redline " + run.dir.plan->redlineVersion);
  return fmt::format("{}", fmt::join(parts, "; "));
}

/// "Started 2026-11-24 01:16:41 UTC. AMD EPYC, 2 cores; …."; empty when not known.
std::string whenAndWhere(const RunData& run) {
  std::string text;
  if (run.dir.plan && run.dir.plan->wallZero > 0)
    text = fmt::format("Started {:%Y-%m-%d %H:%M:%S} UTC.",
                       fmt::gmtime(static_cast<std::time_t>(run.dir.plan->wallZero / kSecond)));
  if (const std::string host = hostOf(run); !host.empty())
    text += (text.empty() ? "" : " ") + host + ".";
  return text;
}

FindingLine findingLine(const Finding& finding) {
  FindingLine line{.text = finding.text, .from = finding.from};
  switch (finding.weight) {
    case Weight::problem:
      line.tone = Tone::bad;
      line.mark = "Caution";
      break;
    case Weight::notable:
      line.tone = Tone::notable;
      break;
    case Weight::plain:
      line.tone = Tone::good;
      break;
  }
  return line;
}

void addRun(const RunData& run, Blocks& blocks) {
  blocks.emplace_back(runVerdict(run));
  blocks.emplace_back(keyFigures(run));
  if (const std::string command = repeatLine(run.figures.command); !command.empty()) {
    blocks.emplace_back(Heading{.level = 3, .text = "Repeat this run"});
    addText(blocks, whenAndWhere(run), true);
    addCode(blocks, command);
  }
  FindingList findings;
  for (const Finding& finding : findingsOf(run)) findings.lines.push_back(findingLine(finding));
  if (!findings.lines.empty()) {
    blocks.emplace_back(Heading{.level = 3, .text = "Findings"});
    blocks.emplace_back(std::move(findings));
  }
  for (Picture& picture : picturesOf(run)) addPicture(blocks, std::move(picture));
  append(blocks, runTables(run));
  std::vector<std::string> flags;
  for (const auto& [name, value] : run.figures.config)
    if (!value.empty()) flags.push_back(fmt::format("-{}={}", name, value));
  if (flags.empty()) return;
  blocks.emplace_back(Heading{.level = 3, .text = "All flags"});
  addFlags(blocks, std::move(flags));
}

std::string sectionOf(const RunData& run) {
  return "run-" + run.slug;
}

void addComparison(const std::vector<RunData>& runs, Blocks& blocks) {
  BulletList contents;
  for (const RunData& run : runs)
    contents.items.push_back(
        {.text = runVerdict(run).headline, .link = {run.name, sectionOf(run)}});
  blocks.emplace_back(std::move(contents));
  append(blocks, comparisonTables(runs));
  addPicture(blocks, comparedPercentiles(runs));
}

/// A path says where the report was made; the file's name says what is missing.
std::string withoutDirectory(const std::string& warning, const RunData& run) {
  const std::string prefix = (run.dir.path / "").string();
  return warning.starts_with(prefix) ? warning.substr(prefix.size()) : warning;
}

}  // namespace

Callout runVerdict(const RunData& run) {
  Callout callout;
  const auto group = [&](const char* title, std::vector<std::string> lines) {
    if (!lines.empty()) callout.groups.push_back({title, std::move(lines)});
  };
  if (!run.ended) {
    callout.tone = Tone::unsure;
    callout.headline = "No verdict: the run did not end by itself, so its validity was not judged";
  } else if (run.figures.valid) {
    callout.tone = Tone::good;
    callout.headline = run.figures.rate.overloaded
                           ? "Valid, and overloaded: the generator kept its schedule, the server "
                             "did not keep up"
                           : "Valid: these figures describe the server, not the generator";
  } else {
    callout.tone = Tone::bad;
    callout.headline = "Invalid: do not quote these figures";
    group("", textsOf(run.figures.invalidReasons));
  }
  group("Notes", run.figures.notes);
  std::vector<std::string> warnings;
  for (const std::string& warning : run.dir.warnings)
    warnings.push_back(withoutDirectory(warning, run));
  group("Missing from the run directory", std::move(warnings));
  return callout;
}

Document runDocument(const std::vector<RunData>& runs) {
  const bool several = runs.size() > 1;
  Document document;
  document.title = several ? fmt::format("{} runs", runs.size()) : runs.front().name;
  document.origin =
      "Written by redline report from run directories alone; every sentence is computed from the "
      "figures that it names.";
  if (several) addComparison(runs, document.blocks);
  for (const RunData& run : runs) {
    if (several)
      document.blocks.emplace_back(
          Heading{.text = run.name, .id = sectionOf(run), .newPage = true});
    addRun(run, document.blocks);
  }
  return document;
}

}  // namespace redline
