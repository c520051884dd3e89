#include "os/files.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace redline {
namespace {

using ::testing::HasSubstr;

/// While it lives, no file of this process may grow beyond `bytes`: a full disk, without one.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    previousHandler_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &previous_);
    const rlimit limit{bytes, previous_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &previous_);
    signal(SIGXFSZ, previousHandler_);
  }

 private:
  rlimit previous_{};
  sighandler_t previousHandler_;
};

TEST(AppendFile, GrowsByWholeRecordsThatAreThereAtOnce) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  const auto file = AppendFile::create(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->append("one\n"));
  EXPECT_EQ(contents(path), "one\n");
  ASSERT_TRUE((*file)->append("two\n"));
  EXPECT_EQ(contents(path), "one\ntwo\n");
}

TEST(AppendFile, RefusesToTouchAFileThatExists) {
  const TemporaryDirectory directory;
  const auto path = directory.write("log", "precious");
  const auto file = AppendFile::create(path);
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr(path));
  EXPECT_EQ(contents(path), "precious");
}

TEST(AppendFile, SaysThatTheDiskIsFullAndWhere) {
  const auto file = AppendFile::open("/dev/full");
  ASSERT_TRUE(file) << file.error().message;
  const Status status = (*file)->append("record\n");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::noSpace);
  EXPECT_THAT(status.error().message, HasSubstr("/dev/full"));
  EXPECT_THAT(status.error().message, HasSubstr("free some space"));
}

TEST(AppendFile, LeavesNoTornRecordWhenSpaceRunsOutWithinOne) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "log";
  const auto file = AppendFile::create(path);
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_TRUE((*file)->append("first record\n"));
  {
    const FileSizeLimit limit(20);
    const Status status = (*file)->append("second record\n");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::noSpace);
    EXPECT_EQ(contents(path), "first record\n");
  }
  ASSERT_TRUE((*file)->append("third record\n")) << "it continues when there is space again";
  EXPECT_EQ(contents(path), "first record\nthird record\n");
}

TEST(WriteWholeFile, KeepsTheOldFileWhenTheNewOneDoesNotFit) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("summary.json", "old");
  {
    const FileSizeLimit limit(20);
    EXPECT_FALSE(writeWholeFile(path, std::string(100, 'x')));
  }
  EXPECT_EQ(contents(path), "old");
  ASSERT_TRUE(writeWholeFile(path, "new"));
  EXPECT_EQ(contents(path), "new");
  const auto entries = std::distance(std::filesystem::directory_iterator(directory.path()), {});
  EXPECT_EQ(entries, 1) << "no partial file is left behind";
}

TEST(WriteWholeFile, WritesToAPipeAndDoesNotReplaceIt) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const int reader = open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  ASSERT_TRUE(writeWholeFile(path, "summary"));
  char block[16];
  EXPECT_EQ(read(reader, block, sizeof block), 7);
  close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(path));
}

TEST(WriteWholeFile, FollowsALink) {
  const TemporaryDirectory directory;
  directory.write("target", "old");
  const auto link = directory.path() / "link";
  std::filesystem::create_symlink("target", link);
  ASSERT_TRUE(writeWholeFile(link, "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(contents(directory.path() / "target"), "new");
}

TEST(WriteSecretFile, LetsNobodyElseReadItWhateverWasThere) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "secret";
  ASSERT_TRUE(writeWholeFile(path, "old"));
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(writeSecretFile(path, "sesame"));
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(readWholeFile(path).value(), "sesame");
  }
}

TEST(ReadWholeFile, ReturnsEveryByteOrNamesTheFile) {
  const TemporaryDirectory directory;
  const std::string text(200'000, '\0');
  const auto read = readWholeFile(directory.write("large", text));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, text);
  const auto missing = readWholeFile(directory.path() / "absent");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("absent: No such file"));
}

TEST(ReadWholeFile, GivesUpOnAFileWithoutAnEnd) {
  const auto text = readWholeFile("/dev/zero", 100'000);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::invalidInput);
  EXPECT_EQ(text.error().message, "/dev/zero has more than 100000 bytes: is it the right file?");
}

TEST(ReadWholeFile, TakesAFileOfJustTheSize) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "file";
  ASSERT_TRUE(writeWholeFile(path, std::string(100'000, 'x')));
  EXPECT_TRUE(readWholeFile(path, 100'000));
  EXPECT_FALSE(readWholeFile(path, 99'999));
}

TEST(ReadWholeFile, SaysThatADirectoryIsOne) {
  const TemporaryDirectory directory;
  EXPECT_THAT(readWholeFile(directory.path()).error().message, HasSubstr("is a directory"));
}

TEST(CreateDirectory, CreatesParentsAndKeepsWhatIsThere) {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "a/b/c";
  ASSERT_TRUE(createDirectory(path));
  EXPECT_TRUE(std::filesystem::is_directory(path));
  EXPECT_TRUE(createDirectory(path));
}

TEST(CreateDirectory, NamesThePathThatCannotBeCreated) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("file", "") + "/below";
  const Status status = createDirectory(path);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::io);
  EXPECT_THAT(status.error().message, HasSubstr(path + ": Not a directory"));
  EXPECT_FALSE(createDirectory(directory.path() / "file")) << "a file is not a directory";
}

TEST(ClaimDirectory, IsForOneAtATimeAndLeavesNothing) {
  const TemporaryDirectory directory;
  {
    const auto first = claimDirectory(directory.path());
    ASSERT_TRUE(first);
    const auto second = claimDirectory(directory.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::usage);
    EXPECT_THAT(second.error().message, HasSubstr(directory.path().string() + " is in use"));
  }
  EXPECT_TRUE(claimDirectory(directory.path()));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
  EXPECT_FALSE(claimDirectory(directory.path() / "absent"));
}

}  // namespace
}  // namespace redline
