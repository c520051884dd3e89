#include "os/gated_child.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "os/child.h"
#include "os/files.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

using testing::HasSubstr;

class GatedChildTest : public testing::Test {
 protected:
  ProgramStart startOf(std::vector<std::string> args) const {
    return {std::move(args), dir_.path(), -1, out_->get(), out_->get(), true};
  }
  std::string output() const { return contents(dir_.path() / "out"); }

  TemporaryDirectory dir_;
  Result<Fd> out_ = openToAppend(dir_.path() / "out");
};

TEST_F(GatedChildTest, RunsOnlyWhenReleased) {
  auto child = GatedChild::spawn(startOf({"sh", "-c", "echo ran"}));
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(awaitChild(child->pid(), 20 * kMillisecond), std::nullopt);
  EXPECT_EQ(output(), "");
  ASSERT_TRUE(child->release());
  EXPECT_EQ(awaitChild(child->pid(), 10 * kSecond), 0);
  EXPECT_EQ(output(), "ran\n");
}

TEST_F(GatedChildTest, NeverRunsWhenItsMakerGoesAwayBeforeTheRelease) {
  pid_t pid = 0;
  {
    const auto child = GatedChild::spawn(startOf({"sh", "-c", "echo ran"}));
    ASSERT_TRUE(child);
    pid = child->pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(output(), "");
}

TEST_F(GatedChildTest, RunsAsAnotherUserWithNoGroupOfOurs) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may choose";
  constexpr unsigned kNobody = 65534;
  ProgramStart start = startOf({"sh", "-c", "id -u; id -G; sleep 60"});
  start.as = RunAs{kNobody, kNobody};
  auto child = GatedChild::spawn(start);
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_TRUE(child->release());
  EXPECT_EQ(awaitChild(child->pid(), 500 * kMillisecond), std::nullopt);
  EXPECT_EQ(output(), "65534\n65534\n");
  ::kill(child->pid(), SIGKILL);
  reapChild(child->pid());
}

TEST_F(GatedChildTest, HasItsInputAndNoOtherFile) {
  const auto input = memoryFile("secret\n");
  ASSERT_TRUE(input);
  ProgramStart start = startOf({"sh", "-c", "cat; ls /proc/self/fd"});
  start.input = input->get();
  auto child = GatedChild::spawn(start);
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->release());
  ASSERT_EQ(awaitChild(child->pid(), 10 * kSecond), 0);
  EXPECT_EQ(output(), "secret\n0\n1\n2\n3\n");  // 3 is ls's own look at the directory
}

TEST_F(GatedChildTest, HasTheMakersEnvironmentAndWhatIsSetBesideIt) {
  ASSERT_EQ(::setenv("REDLINE_TEST_OLD", "1", 1), 0);
  ASSERT_EQ(::setenv("REDLINE_TEST_BOTH", "makers", 1), 0);
  ProgramStart start = startOf({"sh", "-c", "env | grep REDLINE_TEST | sort"});
  start.environment = {"REDLINE_TEST_BOTH=childs", "REDLINE_TEST_NEW=a=b"};
  auto child = GatedChild::spawn(start);
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->release());
  EXPECT_EQ(awaitChild(child->pid(), 10 * kSecond), 0);
  EXPECT_EQ(output(), "REDLINE_TEST_BOTH=childs\nREDLINE_TEST_NEW=a=b\nREDLINE_TEST_OLD=1\n");
  EXPECT_STREQ(::getenv("REDLINE_TEST_BOTH"), "makers");
  ::unsetenv("REDLINE_TEST_OLD");
  ::unsetenv("REDLINE_TEST_BOTH");
}

TEST_F(GatedChildTest, StartsWithoutTheMakersSignals) {
  struct sigaction ignore{}, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGTERM, &ignore, &before);
  auto child = GatedChild::spawn(startOf({"sleep", "60"}));
  ::sigaction(SIGTERM, &before, nullptr);
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->release());
  ASSERT_EQ(::kill(child->pid(), SIGTERM), 0);
  const auto status = awaitChild(child->pid(), 10 * kSecond);
  ASSERT_TRUE(status);
  EXPECT_EQ(WTERMSIG(*status), SIGTERM);
}

TEST_F(GatedChildTest, SaysWhyAProgramCannotRun) {
  const auto missing = GatedChild::spawn(startOf({"no-such-program-here"}));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("no-such-program-here is not on the PATH"));
  const std::string path = dir_.write("junk", "\x01\x02");
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  auto junk = GatedChild::spawn(startOf({path}));
  ASSERT_TRUE(junk);
  const auto released = junk->release();
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message, HasSubstr("junk: Exec format error"));
}

TEST_F(GatedChildTest, SaysThatItsDirectoryIsMissing) {
  ProgramStart start = startOf({"true"});
  start.directory = dir_.path() / "absent";
  auto child = GatedChild::spawn(start);
  ASSERT_TRUE(child);
  siginfo_t ended{};  // before the gate opens, as on a busy machine
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child->pid()), &ended, WEXITED | WNOWAIT), 0);
  const auto released = child->release();
  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().message, HasSubstr("No such file or directory"));
}

TEST(ForkHelper, RunsWithTheGivenDescriptorsAndNoOther) {
  auto pair = socketPair();
  ASSERT_TRUE(pair);
  const std::array descriptors{pair->second.get()};
  const auto answer = [](int argument) {
    const bool alone = ::fcntl(0, F_GETFD) < 0 && ::fcntl(4, F_GETFD) < 0;
    const char text = alone ? static_cast<char>(argument) : '?';
    [[maybe_unused]] const ssize_t put = ::write(3, &text, 1);
  };
  const auto child = forkHelper(descriptors, answer, 'a');
  ASSERT_TRUE(child) << child.error().message;
  pair->second.reset();
  std::string text;
  EXPECT_EQ(readAll(pair->first.get(), text), 0);
  EXPECT_EQ(text, "a");
  EXPECT_EQ(awaitChild(*child, 10 * kSecond), 0);
}

}  // namespace
}  // namespace redline
