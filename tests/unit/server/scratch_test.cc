#include "server/scratch.h"
#include "support/temporary_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace redline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Scratch, OfALivingProcessIsLeftAlone) {
  const TemporaryDirectory parent;
  const auto own = makeScratch(parent.path());
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_TRUE(std::filesystem::is_directory(*own));
  EXPECT_THAT(clearScratch(parent.path()), IsEmpty());
  EXPECT_TRUE(std::filesystem::is_directory(*own));
  EXPECT_EQ(makeScratch(parent.path()).value(), *own) << "one for each process";
}

TEST(Scratch, OfADeadOneIsClearedAway) {
  const TemporaryDirectory parent;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(makeScratch(parent.path()) ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  std::filesystem::create_directory(parent.path() / "somebody-elses");
  EXPECT_THAT(clearScratch(parent.path()), SizeIs(1));
  EXPECT_TRUE(std::filesystem::exists(parent.path() / "somebody-elses"));
  EXPECT_THAT(clearScratch(parent.path()), IsEmpty());
}

TEST(Scratch, OfNothingIsNothing) {
  EXPECT_THAT(clearScratch("/no/such/directory"), IsEmpty());
  EXPECT_THAT(makeScratch("/proc/no").error().message, HasSubstr("/proc/no"));
}

}  // namespace
}  // namespace redline
