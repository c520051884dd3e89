#include "os/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace redline {
namespace {

bool isOpen(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Fd, ClosesWhatItOwnsOnce) {
  const int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  {
    Fd fd(number);
    EXPECT_TRUE(fd.valid());
    const Fd moved(std::move(fd));
    EXPECT_FALSE(fd.valid());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(moved.get(), number);
    EXPECT_TRUE(isOpen(number));
  }
  EXPECT_FALSE(isOpen(number));
}

TEST(Fd, ResetClosesAtOnce) {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int number = fd.get();
  fd.reset();
  EXPECT_FALSE(fd.valid());
  EXPECT_FALSE(isOpen(number));
}

TEST(SocketPair, TheReaderSeesTheBytesAndThenTheEnd) {
  auto pair = socketPair();
  ASSERT_TRUE(pair) << pair.error().message;
  std::size_t written = 0;
  EXPECT_EQ(writeAll(pair->first.get(), "order", written), 0);
  EXPECT_EQ(written, 5U);
  pair->first.reset();
  std::string text;
  EXPECT_EQ(readAll(pair->second.get(), text), 0);
  EXPECT_EQ(text, "order");
}

TEST(MemoryFile, HoldsItsBytesFromTheBeginning) {
  const std::string bytes(300'000, 'x');
  const auto file = memoryFile(bytes);
  ASSERT_TRUE(file) << file.error().message;
  std::string text = "before ";
  EXPECT_EQ(readAll(file->get(), text), 0);
  EXPECT_EQ(text, "before " + bytes);
}

TEST(WriteAll, ReturnsTheErrorOfAFullDisk) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full.valid());
  std::size_t written = 7;
  EXPECT_EQ(writeAll(full.get(), "record", written), ENOSPC);
  EXPECT_EQ(written, 0U);
}

TEST(ReadAll, ReturnsTheErrorOfADirectory) {
  const Fd directory(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string text;
  EXPECT_EQ(readAll(directory.get(), text), EISDIR);
}

}  // namespace
}  // namespace redline
