#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "os/files.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/run_document.h"
#include "report/terminal.h"
#include "report/text.h"
#include "report/write_report.h"
#include "rundir/run_dir.h"
#include "support/paths.h"
#include "support/temporary_directory.h"
#include "unit/report/blocks.h"
#include "unit/report/runs.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

const fs::path kGolden = fs::path(REDLINE_SOURCE_DIR) / "tests" / "golden" / "report";

std::string contentOf(const fs::path& path) {
  auto text = readWholeFile(path);
  EXPECT_TRUE(text) << path;
  return text.value_or("");
}

/// A copy of the golden run, to be broken.
fs::path copyOfRun(const fs::path& to) {
  fs::copy(kGolden / "run", to / "run", fs::copy_options::recursive);
  return to / "run";
}

void truncate(const fs::path& path, double share) {
  fs::resize_file(path,
                  static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path)) * share));
}

/// Compares with the committed file; REDLINE_UPDATE_GOLDEN=1 replaces that one.
void expectGolden(const std::string& made, const char* name) {
  if (std::getenv("REDLINE_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(writeWholeFile(kGolden / name, made));
  }
  EXPECT_EQ(made, contentOf(kGolden / name)) << "if the change is meant: REDLINE_UPDATE_GOLDEN=1";
}

std::vector<RunData> goldenRun() {
  auto runs = readRuns({(kGolden / "run").string()});
  EXPECT_TRUE(runs) << runs.error().message;
  return runs.value_or(std::vector<RunData>{});
}

/// What the verdict says is missing from the directory.
std::vector<std::string> missing(const Callout& verdict) {
  for (const Callout::Group& group : verdict.groups)
    if (group.title == "Missing from the run directory") return group.lines;
  return {};
}

/// The cells of a Markdown table row that begins with `label`.
std::vector<std::string> rowOf(const std::string& markdown, const std::string& label) {
  std::smatch found;
  const std::regex row("\n\\| " + label + " \\|(.*)\\|\n");
  EXPECT_TRUE(std::regex_search(markdown, found, row)) << label;
  std::vector<std::string> cells;
  std::string rest = found[1];
  for (std::size_t bar; !rest.empty(); rest.erase(0, bar + 1)) {
    bar = std::min(rest.find('|'), rest.size() - 1);
    cells.push_back(std::regex_replace(rest.substr(0, bar + 1), std::regex("[ |,≥]"), ""));
  }
  return cells;
}

TEST(Report, OfTheSameRunIsTheSame) {
  const Document document = runDocument(goldenRun());
  expectGolden(toHtml(document), "report.html");
  expectGolden(toMarkdown(document), "FINDINGS.md");
  expectGolden(toTerminal(document.blocks), "report.txt");
}

TEST(Report, PageNeedsNothingElse) {
  const std::string page = toHtml(runDocument(goldenRun()));
  for (const char* const outside : {"src=", "@import", "url(", "<link", "fetch(", "http"})
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
}

TEST(Report, TheVerdictIsTheFirstThingAfterTheTitle) {
  const Document document = runDocument(goldenRun());
  EXPECT_TRUE(std::holds_alternative<Callout>(document.blocks.front().content));
}

TEST(Report, NumbersOfTheFindingsFileAreTheSummarys) {
  const auto runs = goldenRun();
  const Summary& summary = *runs.front().dir.summary;
  const std::string markdown = toMarkdown(runDocument(runs));
  for (const std::string measure : {"response", "service", "lateness", "dispatch"}) {
    const LatencyFigures& f = summary.latency.at(measure).at("all");
    const auto cells = rowOf(markdown, measure);
    ASSERT_EQ(cells.size(), 8U) << measure;
    EXPECT_EQ(std::stoull(cells[0]), f.count);
    const std::vector<double> figures{f.mean, f.p50, f.p90, f.p99, f.p999, f.p9999, f.max};
    for (std::size_t i = 0; i < figures.size(); ++i)
      EXPECT_NEAR(std::stod(cells[i + 1]), figures[i], figures[i] < 1000 ? 0.051 : 0.51);
  }
  const auto count = [&](const char* label) { return std::stoull(rowOf(markdown, label)[0]); };
  EXPECT_EQ(count("scheduled"), summary.rate.scheduled);
  EXPECT_EQ(count("= completed"), summary.rate.completed);
  EXPECT_EQ(count("\\+ failed"), summary.rate.failed);
  EXPECT_EQ(count("\\+ outstanding at the end"), summary.rate.outstanding);
  EXPECT_EQ(count("hits"), summary.cache.hits);
  EXPECT_EQ(count("misses"), summary.cache.misses);
  EXPECT_EQ(count("values checked"), summary.verify.checked);
  EXPECT_EQ(count("corrupt"), summary.verify.corrupt);
  std::string achieved = groupedRounded(summary.rate.achieved);
  std::erase(achieved, ',');
  EXPECT_THAT(rowOf(markdown, "achieved")[0], testing::StartsWith(achieved + "/s"));
}

TEST(Report, ARunWithoutSummaryIsNotJudged) {
  const TemporaryDirectory temporary;
  const fs::path path = copyOfRun(temporary.path());
  fs::remove(path / kSummaryFile);
  const auto runs = readRuns({path.string()});
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->front().figures.rate.scheduled, goldenRun().front().figures.rate.scheduled);
  const Callout verdict = runVerdict(runs->front());
  EXPECT_EQ(verdict.tone, Tone::unsure);
  EXPECT_THAT(missing(verdict), Contains("summary.json is missing"));
}

TEST(Report, ARunTornAtAnyPlaceStillGivesOneThatSaysWhatIsMissing) {
  for (const std::string_view file : {kIntervalsFile, kLatencyFile, kServersFile, kEventsFile}) {
    const TemporaryDirectory temporary;
    const fs::path path = copyOfRun(temporary.path());
    fs::remove(path / kSummaryFile);
    truncate(path / file, 0.6);
    const auto runs = readRuns({path.string()});
    ASSERT_TRUE(runs) << file << ": " << runs.error().message;
    EXPECT_THAT(toHtml(runDocument(*runs)), HasSubstr("No verdict"));
    EXPECT_THAT(missing(runVerdict(runs->front())), Contains(HasSubstr(std::string(file))));
  }
}

TEST(Report, ACrashBeforeTheFirstIntervalStillSaysWhatWasToRun) {
  const TemporaryDirectory temporary;
  const fs::path path = copyOfRun(temporary.path());
  for (const std::string_view file :
       {kIntervalsFile, kLatencyFile, kServersFile, kEventsFile, kSummaryFile})
    fs::remove(path / file);
  const auto runs = readRuns({path.string()});
  ASSERT_TRUE(runs);
  Document document = runDocument(*runs);
  EXPECT_THAT(toMarkdown(document), HasSubstr("redline driver"));
  forEachBlock<Picture>(document.blocks, [](const Picture& p) { ADD_FAILURE() << p.id; });
  EXPECT_EQ(missing(runVerdict(runs->front())).size(), 5U);
}

TEST(Report, NothingFromARunIsMarkup) {
  RunData run = soundRun();
  const std::string evil = "<img src=x onerror=alert(1)>";
  run.name = evil;
  run.figures.command = {"redline", evil};
  run.figures.config = {{"out", evil}};
  run.figures.notes = {evil};
  run.figures.valid = false;
  run.figures.invalidReasons = {{ReasonCode::other, evil}};
  run.figures.environment.cpu = run.figures.environment.redisVersion = evil;
  run.figures.servers[0].addr = evil;
  run.dir.warnings = {evil};
  run.dir.events.push_back(eventAt(1, "slowlog", evil, 5'000'000));
  run.dir.events.back().detail = evil + std::string("\0\x1b\xff", 3);
  run.brackets.push_back({{1, 2}, "fault", evil, "", false});
  ServerSeries series;
  series.addr = evil;
  series.points.resize(2);
  series.points[0].usedMemory = 1e6;
  series.points[1].usedMemory = 5e6;
  run.servers = {series, series};
  const Document document = runDocument({run, run});
  EXPECT_THAT(toHtml(document), Not(HasSubstr("<img")));
  EXPECT_THAT(toTerminal(document.blocks), Not(HasSubstr("\x1b")));
  // A code block shows its text as it is; everywhere else it must be escaped.
  const std::string markdown =
      std::regex_replace(toMarkdown(document), std::regex("```sh\n[^\n]*\n```|`-[^\n]*`"), "");
  EXPECT_THAT(markdown, Not(HasSubstr("<img")));
}

TEST(Report, SeveralRunsBeginWithTheirComparison) {
  RunData a = soundRun();
  RunData b = soundRun();
  a.name = "before";
  b.name = "after";
  b.slug = "after";
  const std::string page = toHtml(runDocument({a, b}));
  EXPECT_LT(page.find("Side by side"), page.find("<h2"));
  EXPECT_THAT(page, HasSubstr("<a href=\"#run-after\">after</a>"));
}

TEST(Report, WritesPageFindingsAndPlots) {
  const TemporaryDirectory temporary;
  const fs::path run = copyOfRun(temporary.path());
  const fs::path out = temporary.path() / "new" / "report";
  const auto files = writeReport({run.string()}, out);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_TRUE(fs::exists(files->html));
  const std::string markdown = contentOf(files->findings);
  const std::regex image("\\]\\((plots/[^)]+)\\)");
  std::size_t images = 0;
  for (std::sregex_iterator at(markdown.begin(), markdown.end(), image), end; at != end; ++at) {
    EXPECT_TRUE(fs::exists(out / (*at)[1].str())) << (*at)[1];
    ++images;
  }
  EXPECT_EQ(images, 7U);
}

TEST(Report, RefusesWhatIsNotARunDirectory) {
  const TemporaryDirectory temporary;
  EXPECT_FALSE(readRuns({temporary.path().string()}));
  EXPECT_FALSE(readRuns({(temporary.path() / "none").string()}));
  const auto twice = readRuns({(kGolden / "run").string(), (kGolden / "run" / ".").string()});
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().message, HasSubstr("named twice"));
}

TEST(Report, RunsOfOneNameAreToldApart) {
  const TemporaryDirectory temporary;
  fs::create_directories(temporary.path() / "a");
  fs::create_directories(temporary.path() / "b");
  const fs::path first = copyOfRun(temporary.path() / "a");
  const fs::path second = copyOfRun(temporary.path() / "b");
  const auto runs = readRuns({first.string(), second.string()});
  ASSERT_TRUE(runs);
  EXPECT_NE((*runs)[0].slug, (*runs)[1].slug);
  EXPECT_NE((*runs)[0].name, (*runs)[1].name);
}

}  // namespace
}  // namespace redline
