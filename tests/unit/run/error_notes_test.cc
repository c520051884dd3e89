#include "run/error_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "record/operation.h"

namespace redline {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

RateFigures rateWith(std::map<std::string, std::uint64_t> errors) {
  RateFigures rate;
  rate.scheduled = 1000;
  rate.errors = std::move(errors);
  return rate;
}

TEST(ErrorNotes, AreNoneWithoutErrorsOrWithAFewOnly) {
  EXPECT_THAT(errorNotes(RateFigures{}, false), IsEmpty());
  EXPECT_THAT(errorNotes(rateWith({{"oom", 9}}), false), IsEmpty());
}

TEST(ErrorNotes, SayHowManyWhatItMeansAndWhatToDoTheMostFrequentFirst) {
  EXPECT_THAT(errorNotes(rateWith({{"busy", 40}, {"oom", 500}}), false),
              ElementsAre(AllOf(StartsWith("50% of the operations failed with oom: "),
                                HasSubstr("maxmemory"), HasSubstr("-ttl-frac")),
                          AllOf(StartsWith("4% of the operations failed with busy: "),
                                HasSubstr("SCRIPT KILL"))));
}

TEST(ErrorNotes, KnowEveryKind) {
  for (const bool cluster : {false, true})
    for (const std::string_view kind : kFailureNames) {
      const auto notes = errorNotes(rateWith({{std::string(kind), 1000}}), cluster);
      ASSERT_THAT(notes, SizeIs(1));
      EXPECT_THAT(notes[0], Not(HasSubstr("see the server's log"))) << kind;
    }
}

TEST(ErrorNotes, DoNotAskForAClusterToBeNamedAsOne) {
  const RateFigures redirected = rateWith({{"redirects", 1000}});
  EXPECT_THAT(errorNotes(redirected, false)[0], HasSubstr("as a cluster"));
  EXPECT_THAT(errorNotes(redirected, true)[0],
              AllOf(Not(HasSubstr("-topology")), HasSubstr("--cluster check")));
}

}  // namespace
}  // namespace redline
