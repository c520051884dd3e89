#include "cmd/host_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_directory.h"

namespace redline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Warning kSwap{"swap is on", "stalls", "swapoff -a", "swap", true};
const Warning kHugePages{"huge pages", "stalls", "echo", "hugepages", true};
const Warning kBusy{"core 0 is busy", "tails", "stop it", "busy-core"};

std::vector<std::string> textsOf(const std::vector<Warning>& warnings) {
  std::vector<std::string> texts;
  for (const Warning& warning : warnings) texts.push_back(warning.what);
  return texts;
}

TEST(HostNotes, ASettingOfTheMachineIsToldOnceAndWhatPassesEachTime) {
  const TemporaryDirectory home;
  const auto memory = home.path() / "told";
  EXPECT_THAT(textsOf(newWarnings({kBusy, kSwap}, memory, "boot-1")),
              ElementsAre("core 0 is busy", "swap is on"));
  EXPECT_THAT(textsOf(newWarnings({kBusy, kSwap}, memory, "boot-1")),
              ElementsAre("core 0 is busy"));
  EXPECT_THAT(textsOf(newWarnings({kSwap, kHugePages}, memory, "boot-1")),
              ElementsAre("huge pages"));
}

TEST(HostNotes, ASettingThatWasChangedAndIsBackIsToldAgain) {
  const TemporaryDirectory home;
  const auto memory = home.path() / "told";
  newWarnings({kSwap}, memory, "boot-1");
  EXPECT_THAT(newWarnings({}, memory, "boot-1"), IsEmpty());
  EXPECT_THAT(textsOf(newWarnings({kSwap}, memory, "boot-1")), ElementsAre("swap is on"));
}

TEST(HostNotes, AreToldAgainAfterARebootAndWhereNothingCanBeRemembered) {
  const TemporaryDirectory home;
  const auto memory = home.path() / "told";
  newWarnings({kSwap}, memory, "boot-1");
  EXPECT_THAT(textsOf(newWarnings({kSwap}, memory, "boot-2")), ElementsAre("swap is on"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(textsOf(newWarnings({kSwap}, home.path() / "no" / "told", "boot-1")),
                ElementsAre("swap is on"));
  }
}

}  // namespace
}  // namespace redline
