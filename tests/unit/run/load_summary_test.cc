#include "run/load_summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

LoadRunPlan loadOf(std::uint64_t keys) {
  LoadRunPlan plan;
  plan.load.keys = keys;
  plan.load.ttlEpochMillis = 1'767'225'600'250;
  return plan;
}

LoadOutcome outcomeOf(std::uint64_t done, std::uint64_t resumeFrom, Status status = {}) {
  LoadOutcome outcome;
  outcome.done = done;
  outcome.resumeFrom = resumeFrom;
  outcome.status = std::move(status);
  return outcome;
}

LoadServer serverOf(double evicted = 0) {
  LoadServer server;
  server.addr = "127.0.0.1:7600";
  server.stores = true;
  server.before.role = "master";
  server.before.info = {{"run_id", "a"}, {"evicted_keys", "7"}};
  server.after = server.before;
  server.after->info["evicted_keys"] = std::to_string(7 + static_cast<int>(evicted));
  return server;
}

std::string lineOf(const LoadOutcome& outcome, const LoadServer& server, bool interrupted) {
  const Status ended = endOf(loadOf(1000), outcome, interrupted, {server});
  EXPECT_FALSE(ended);
  return ended ? std::string() : ended.error().message;
}

TEST(LoadEnd, SaysWhereToResumeToTheMillisecond) {
  const std::string line = lineOf(outcomeOf(400, 400), serverOf(), true);
  EXPECT_THAT(line, HasSubstr("400 of 1000 keys are written: resume with -from=400 "
                              "-ttl-epoch=1767225600.25"));
  EXPECT_THAT(line, Not(HasSubstr("above")));
}

TEST(LoadEnd, ExplainsMoreKeysThanTheIdToResumeFrom) {
  EXPECT_THAT(lineOf(outcomeOf(400, 300), serverOf(), true),
              HasSubstr("all keys below that are written, and 100 above"));
}

TEST(LoadEnd, LoadsAgainWhatWasEvicted) {
  const std::string line =
      lineOf(outcomeOf(400, 400, fail(ErrorCode::noSpace, "full")), serverOf(12), false);
  EXPECT_THAT(line, HasSubstr("has evicted 12 since: load again with -from=0"));
  EXPECT_THAT(line, Not(HasSubstr("resume")));
}

TEST(LoadEnd, LoadsAgainWhatWentWithItsServer) {
  LoadServer server = serverOf();
  server.after.reset();
  const std::string line =
      lineOf(outcomeOf(0, 0, fail(ErrorCode::unreachable, "it ended")), server, false);
  EXPECT_THAT(line, HasSubstr("load again with -from=0"));
  EXPECT_THAT(line, Not(HasSubstr("comes back")));
}

TEST(LoadEnd, ResumesWhereAPausedServerWasInterrupted) {
  LoadServer server = serverOf();
  server.after.reset();
  EXPECT_THAT(lineOf(outcomeOf(400, 380), server, true),
              testing::AllOf(HasSubstr("is it paused?"), HasSubstr("resume with -from=380")));
}

}  // namespace
}  // namespace redline
