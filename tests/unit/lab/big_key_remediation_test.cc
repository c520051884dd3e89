// What big-key-remediation concludes from runs whose figures are known.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "lab/bucketed_hash.h"
#include "lab/catalog.h"
#include "lab/study.h"
#include "unit/lab/analysis.h"
#include "unit/lab/experiment_parameters.h"
#include "unit/lab/readings_builder.h"

namespace redline::big_key_remediation_test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr double kZero = 1'000'000;  // of the runs' clocks, unix seconds

/// What access to one layout costs.
struct Access {
  std::string layout;
  double memory, getUs, readUs, listpacks = 0;
};

std::vector<Access> usualAccess() {
  return {{"whole", 100e6, 0.5, 400e3}, {"16", 100e6, 0.5, 25e3},
          {"1024", 101e6, 0.5, 400},    {"4096", 50e6, 1.5, 80, 1},
          {"16384", 51e6, 0.6, 20, 1},  {"1024-compact", 48e6, 5, 1500, 1}};
}

Reading accessRun(const Access& access, int repeat) {
  const double scatter = 1 + 0.01 * repeat;
  Reading reading = ReadingBuilder({{"part", "access"}, {"layout", access.layout}}, repeat)
                        .figure("memory_bytes", access.memory)
                        .figure("listpack_share", access.listpacks)
                        .figure("largest_bucket_fields", 100)
                        .figure("hget_us", access.getUs * scatter)
                        .figure("hget_main_thread_us", access.getUs * scatter)
                        .figure("hgetall_us", access.readUs * scatter)
                        .build();
  reading.dirs.clear();  // no driver ran
  return reading;
}

/// Something that is done a second into a run: p99 of other keys is 0.5 ms, and `peak` in the four
/// intervals after it.
struct Beside {
  std::string part, factor, level;
  Nanos peak;
  double callUs, stallUs;
  Nanos late = 0;  ///< p99 of an interval 1.5 s after it; 0: as before it
};

ReadingBuilder besideRun(const Beside& what, int repeat) {
  ReadingBuilder run({{"part", what.part}, {what.factor, what.level}}, repeat);
  run.response([&](int i) {
       if (i == 25 && what.late != 0) return what.late;
       return i >= 10 && i < 14 ? what.peak + repeat * kMicrosecond : kMillisecond / 2;
     })
      .figure("begin_unix_s", kZero + 1)
      .figure("end_unix_s", kZero + 1.4)
      .figure("longest_stall_us", what.stallUs)
      .figure("calls", 1)
      .figure("mean_call_us", what.callUs * (1 + 0.01 * repeat));
  run.plan().wallZero = static_cast<Nanos>(kZero * 1e9);
  return run;
}

const Beside kWholeRead{"read", "layout", "whole", 400 * kMillisecond, 400e3, 410e3};
const Beside kBucketRead{"read", "layout", "16384", kMillisecond, 20, 0};
const Beside kDel{"delete", "way", "del", 150 * kMillisecond, 150e3, 151e3};
const Beside kUnlink{"delete", "way", "unlink", kMillisecond, 5, 700};
const Beside kBatch{"migrate", "batch", "100", kMillisecond, kNaN, 800};
const Beside kAtOnce{"migrate", "batch", "at-once", 120 * kMillisecond, kNaN, 130e3};

constexpr double kFields = 50'000;  // migrate-fields of the quick profile

struct Counts {
  double missing = 0, wrong = 0, lost = 0, atEnd = kFields;
};

std::vector<Reading> usual(const std::vector<Access>& accesses = usualAccess(),
                           const Counts& counts = {},
                           const std::vector<Beside>& beside = {kWholeRead, kBucketRead, kDel,
                                                                kUnlink}) {
  std::vector<Reading> runs;
  for (const int repeat : {1, 2}) {
    for (const Access& access : accesses) runs.push_back(accessRun(access, repeat));
    for (const Beside& what : beside)
      runs.push_back(besideRun(what, repeat).figure("memory_back_s", 0.3).build());
    for (const Beside& what : {kBatch, kAtOnce})
      runs.push_back(besideRun(what, repeat)
                         .figure("moved_fields", kFields)
                         .figure("application_reads", 1000)
                         .figure("application_writes", 100)
                         .figure("reads_of_old_hash", 400)
                         .figure("reads_at_second_look", 2)
                         .figure("reads_of_nothing", counts.missing)
                         .figure("reads_of_wrong_value", counts.wrong)
                         .figure("writes_lost", counts.lost)
                         .figure("fields_at_end", counts.atEnd)
                         .build());
  }
  return runs;
}

ExperimentDocument analysed(const std::vector<Reading>& runs) {
  return analysisOf(bigKeyRemediationExperiment(), quickParametersOf(bigKeyRemediationExperiment()),
                    readingsOf(runs));
}

TEST(BigKeyRemediation, SaysHowMuchShorterTheStallIs) {
  const auto document = analysed(usual());
  const LabFinding stall = findingOf(document, "stall");
  EXPECT_EQ(stall.standing, Standing::expected);
  EXPECT_TRUE(stall.headline);
  EXPECT_THAT(stall.text,
              AllOf(HasSubstr("406 ms"), HasSubstr("16384 buckets"), HasSubstr("399×")));
  EXPECT_EQ(cellOf(document, "HGETALL beside", "16384 buckets", "longest stall (PING)"),
            "below 500 µs");
  EXPECT_THAT(document.answer,
              AllOf(HasSubstr("blocks Redis for 20.3 µs"), HasSubstr("16384 buckets")));
}

TEST(BigKeyRemediation, ContradictsWhereNobodyWaited) {
  auto harmless = kWholeRead;
  harmless.peak = kMillisecond / 4;
  const auto document = analysed(usual(usualAccess(), {}, {harmless, kBucketRead, kDel, kUnlink}));
  EXPECT_EQ(findingOf(document, "stall").standing, Standing::contradicts);
}

TEST(BigKeyRemediation, TakesTheLeastMemoryAmongLayoutsWithoutALongRead) {
  const auto document = analysed(usual());
  const LabFinding best = findingOf(document, "best");
  EXPECT_EQ(best.standing, Standing::expected);
  // Not the compact one, whose buckets take longer than 1 ms to read; and not 4096 buckets, whose
  // memory is the same but for 2% and whose HGET costs more.
  EXPECT_THAT(best.text, AllOf(HasSubstr("16384 buckets"), HasSubstr("0.51×"), HasSubstr("1.2×")));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("in 16384 buckets")));
  EXPECT_THAT(document.costs, Contains(HasSubstr("one longer value")));
}

TEST(BigKeyRemediation, SaysWhereBucketsTakeMoreMemory) {
  auto accesses = usualAccess();
  accesses[3].memory = accesses[4].memory = 150e6;
  accesses[2].memory = 140e6;
  const auto document = analysed(usual(accesses));
  const LabFinding best = findingOf(document, "best");
  EXPECT_EQ(best.standing, Standing::contradicts);
  EXPECT_THAT(best.text, HasSubstr("1024 buckets is the cheapest"));
  EXPECT_THAT(document.costs, Not(Contains(HasSubstr("one longer value"))));
}

TEST(BigKeyRemediation, SaysWhereEveryBucketIsTooLong) {
  auto accesses = usualAccess();
  for (Access& access : accesses) access.readUs = 5000;
  const auto document = analysed(usual(accesses));
  EXPECT_EQ(findingOf(document, "best").standing, Standing::problem);
  EXPECT_THAT(document.answer, IsEmpty());
  EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("Keep a hash"))));
}

TEST(BigKeyRemediation, PricesTheListpackLimit) {
  const auto document = analysed(usual());
  const LabFinding limit = findingOf(document, "listpack-limit");
  EXPECT_EQ(limit.standing, Standing::expected);
  EXPECT_THAT(limit.text, AllOf(HasSubstr("0.475×"), HasSubstr("10×")));
  auto accesses = usualAccess();
  accesses.back().getUs = 0.4;
  EXPECT_EQ(findingOf(analysed(usual(accesses)), "listpack-limit").standing, Standing::contradicts);
}

TEST(BigKeyRemediation, ComparesUnlinkWithDel) {
  const auto document = analysed(usual());
  EXPECT_EQ(findingOf(document, "deletion").standing, Standing::expected);
  EXPECT_THAT(document.decisions,
              Contains(testing::Field(&LabDecision::action, HasSubstr("UNLINK"))));
  auto slow = kUnlink;
  slow.callUs = kDel.callUs;
  const auto same = analysed(usual(usualAccess(), {}, {kWholeRead, kBucketRead, kDel, slow}));
  EXPECT_EQ(findingOf(same, "deletion").standing, Standing::inconclusive);
  EXPECT_THAT(same.decisions,
              Not(Contains(testing::Field(&LabDecision::action, HasSubstr("UNLINK")))));
}

TEST(BigKeyRemediation, CountsWhatAMigrationLoses) {
  const auto whole = analysed(usual());
  EXPECT_EQ(findingOf(whole, "migration-correct").standing, Standing::expected);
  EXPECT_THAT(findingOf(whole, "migration-correct").text, HasSubstr("no write was lost"));
  EXPECT_EQ(findingOf(whole, "migration-stall").standing, Standing::expected);
  for (const Counts& counts : {Counts{.missing = 1}, Counts{.wrong = 1}, Counts{.lost = 1},
                               Counts{.atEnd = kFields - 1}}) {
    const auto document = analysed(usual(usualAccess(), counts));
    EXPECT_EQ(findingOf(document, "migration-correct").standing, Standing::contradicts);
    EXPECT_THAT(document.recommendations, Not(Contains(HasSubstr("Migrate live"))));
  }
  EXPECT_THAT(whole.recommendations, Contains(HasSubstr("Migrate live")));
  EXPECT_THAT(
      findingOf(analysed(usual(usualAccess(), {.atEnd = kFields - 1})), "migration-correct").text,
      HasSubstr("fields are missing"));
}

TEST(BigKeyRemediation, CountsTheMigrationsThatRan) {
  auto runs = usual();
  std::erase_if(runs, [](const Reading& run) { return run.label("batch") == "at-once"; });
  const auto document = analysed(runs);
  EXPECT_EQ(findingOf(document, "migration-correct").standing, Standing::expected);
  EXPECT_THAT(findingOf(document, "migration-correct").text, HasSubstr("Of 2k reads"));
  EXPECT_THAT(document.recommendations, Contains(HasSubstr("Migrate live")));
}

TEST(BigKeyRemediation, GainsWhatEquallyLongStretchesSay) {
  Beside whole = kWholeRead;
  whole.late = 4 * kSecond;  // further from the command than the baseline is long
  const auto document = analysed(usual(usualAccess(), {}, {whole, kBucketRead, kDel, kUnlink}));
  const auto decision =
      std::ranges::find(document.decisions, "Keep large hashes in 16384 buckets", &LabDecision::action);
  ASSERT_NE(decision, document.decisions.end());
  EXPECT_NEAR(decision->gain, 800, 5);
  EXPECT_EQ(decision->price, "1.2× the CPU for an HGET, and no snapshot of the whole");
}

TEST(BigKeyRemediation, AsksNoPriceForAnHgetThatIsCheaper) {
  auto accesses = usualAccess();
  accesses[4].getUs = 0.4;
  const auto document = analysed(usual(accesses));
  EXPECT_THAT(document.decisions,
              Contains(testing::Field(&LabDecision::price,
                                      HasSubstr("no measurable extra CPU for an HGET"))));
  EXPECT_THAT(document.recommendations,
              Contains(HasSubstr("and no measurable extra CPU for an HGET")));
}

TEST(BigKeyRemediation, LeavesOutWhatARunIsMissingFor) {
  const auto document = analysed(usual(usualAccess(), {}, {kDel}));
  EXPECT_THAT(findingOf(document, "stall").text, IsEmpty());
  EXPECT_THAT(findingOf(document, "deletion").text, IsEmpty());
  EXPECT_THAT(findingOf(document, "best").text, Not(IsEmpty()));
}

TEST(BigKeyRemediation, RefusesABucketCountThatIsNotMeasured) {
  const auto& check = bigKeyRemediationExperiment().check;
  for (const char* wrong :
       {"stall-buckets=17", "compact-buckets=17", "batches=0", "buckets=1,1024"}) {
    const auto p =
        parametersOf(bigKeyRemediationExperiment(), Profile::quick, *parseOverrides(wrong));
    ASSERT_TRUE(p) << wrong;
    EXPECT_FALSE(check(*p)) << wrong;
  }
}

TEST(BucketedHash, PutsEachFieldInOneBucketAndUsesAll) {
  const lab::BucketedHash hash{.name = "h", .fields = 1000, .fieldSize = 20, .buckets = 16};
  std::set<std::string> keys;
  for (std::uint64_t id = 0; id < hash.fields; ++id) {
    EXPECT_LT(hash.bucketOf(id), 16U);
    keys.insert(hash.keyOf(id));
  }
  EXPECT_EQ(keys.size(), 16U);
  const lab::BucketedHash whole{.name = "h", .fields = 1000, .fieldSize = 20};
  EXPECT_EQ(whole.keyOf(7), "h");
  EXPECT_EQ(whole.value(7).size(), 20U);
  EXPECT_NE(whole.value(7), whole.value(7, 1));
}

}  // namespace
}  // namespace redline::big_key_remediation_test
