#include "os/console.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

namespace redline {
namespace {

using testing::ExitedWithCode;
using testing::HasSubstr;

/// Ends a child process with what became of its results: 0 all written, 1 not, 2 the reader left.
[[noreturn]] void exitWithOutcome() {
  const Status written = resultsWritten();
  if (written) std::_Exit(0);
  std::_Exit(written.error().code == ErrorCode::unreachable ? 2 : 1);
}

void redirect(int fd, const char* path) {
  ::dup2(::open(path, O_WRONLY), fd);
}

/// Makes `fd` the end of a pipe and returns the other one.
int pipeTo(int fd) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) std::_Exit(9);
  ::dup2(ends[1], fd);
  ::close(ends[1]);
  return ends[0];
}

TEST(Console, RemembersResultsThatCouldNotBeWritten) {
  const auto printToFullDisk = [] {
    redirect(STDOUT_FILENO, "/dev/full");
    printOut("{}\n", 1);
    redirect(STDOUT_FILENO, "/dev/null");
    printOut("{}\n", 2);
    exitWithOutcome();
  };
  EXPECT_EXIT(printToFullDisk(), ExitedWithCode(1), "");
}

TEST(Console, IsContentWhenAllWasWritten) {
  const auto print = [] {
    redirect(STDOUT_FILENO, "/dev/null");
    printOut("{}\n", 1);
    exitWithOutcome();
  };
  EXPECT_EXIT(print(), ExitedWithCode(0), "");
}

TEST(Console, OutlivesAReaderThatLeaves) {
  const auto printToNobody = [] {
    prepareConsole();
    ::close(pipeTo(STDOUT_FILENO));
    ::close(pipeTo(STDERR_FILENO));
    writeErr("a note\n");
    writeLive("a line\n");
    if (!resultsWritten()) std::_Exit(8);  // notes are not results
    printOut("a result\n");
    exitWithOutcome();
  };
  EXPECT_EXIT(printToNobody(), ExitedWithCode(2), "");
}

TEST(Console, OutlivesALimitOnTheSizeOfFiles) {
  const auto printTooMuch = [] {
    prepareConsole();
    std::string path = "/tmp/redline-console-XXXXXX";
    ::dup2(::mkstemp(path.data()), STDOUT_FILENO);
    ::unlink(path.c_str());
    const rlimit limit{1'000, 1'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    writeOut(std::string(2'000, 'x'));
    exitWithOutcome();
  };
  EXPECT_EXIT(printTooMuch(), ExitedWithCode(1), "");
}

TEST(Console, DropsALiveLineThatWouldWaitForAReader) {
  const auto printToPausedReader = [] {
    ::alarm(20);  // a call that blocks fails the test
    pipeTo(STDERR_FILENO);
    for (int i = 0; i < 10'000; ++i) writeLive(std::string(100, 'x') + "\n");
    exitWithOutcome();
  };
  EXPECT_EXIT(printToPausedReader(), ExitedWithCode(0), "");
}

TEST(Console, GivesTheNumberOfAClosedStreamToNoOtherFile) {
  const auto openAfterClosing = [] {
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    prepareConsole();
    if (::open("/dev/null", O_WRONLY) <= STDERR_FILENO) std::_Exit(8);
    writeErr("a note\n");
    printOut("a result\n");
    exitWithOutcome();
  };
  EXPECT_EXIT(openAfterClosing(), ExitedWithCode(1), "");
}

TEST(Console, WaitsForADescriptorThatDoesNotBlock) {
  const auto print = [] {
    const int reader = pipeTo(STDOUT_FILENO);
    ::fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    constexpr std::size_t kSize = 1 << 20;
    if (::fork() == 0) {
      std::array<char, 4096> block;
      std::size_t all = 0;
      ::close(STDOUT_FILENO);
      while (const ssize_t got = ::read(reader, block.data(), block.size()))
        all += static_cast<std::size_t>(got);
      std::_Exit(all == kSize ? 0 : 1);
    }
    writeOut(std::string(kSize, 'x'));
    exitWithOutcome();
  };
  EXPECT_EXIT(print(), ExitedWithCode(0), "");
}

}  // namespace
}  // namespace redline
