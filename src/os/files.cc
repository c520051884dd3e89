#include "os/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace redline {
namespace {

namespace fs = std::filesystem;

ErrorCode codeOf(int number) noexcept {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return full ? ErrorCode::noSpace : ErrorCode::io;
}

/// Ends with what to do where the reason has an obvious answer.
tl::unexpected<Error> cannot(std::string_view verb, const fs::path& path, int number) {
  const std::string_view remedy = codeOf(number) == ErrorCode::noSpace
                                      ? "; free some space or choose another directory"
                                  : number == EACCES || number == EROFS || number == EPERM
                                      ? "; choose a directory that you may write to"
                                      : "";
  return fail(codeOf(number), "cannot {} {}: {}{}", verb, path.native(), errnoText(number), remedy);
}

/// `mode` is O_TRUNC to replace what the file holds, O_APPEND to write behind it.
Status writeInPlace(const fs::path& path, std::string_view text, int mode,
                    mode_t permissions = 0644) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, permissions);
  if (fd < 0) return cannot("create", path, errno);
  std::size_t written = 0;
  int error = writeAll(fd, text, written);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) return cannot("write", path, error);
  return {};
}

/// A pipe or a device. /dev/stdout is an open file of another program even where it leads to a
/// regular one.
bool isStream(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return (fs::exists(status) && !fs::is_regular_file(status)) || path.native().starts_with("/dev/");
}

}  // namespace

Result<Fd> openToAppend(const fs::path& path, int flags) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0644));
  if (!fd.valid()) return cannot("create", path, errno);
  return fd;
}

Result<std::unique_ptr<AppendFile>> AppendFile::create(const fs::path& path) {
  return openWith(path, O_EXCL);
}

Result<std::unique_ptr<AppendFile>> AppendFile::open(const fs::path& path) {
  return openWith(path, 0);
}

Result<std::unique_ptr<AppendFile>> AppendFile::openWith(const fs::path& path, int flags) {
  auto fd = openToAppend(path, flags);
  if (!fd) return fail(std::move(fd.error()));
  return std::unique_ptr<AppendFile>(new AppendFile(path, std::move(*fd)));
}

Status AppendFile::append(std::string_view record) {
  const std::lock_guard lock(mutex_);
  std::size_t written = 0;
  const int error = writeAll(fd_.get(), record, written);
  if (error == 0) return {};
  takeBack(written);
  return cannot("write", path_, error);
}

void AppendFile::takeBack(std::size_t written) noexcept {
  struct stat status{};
  if (written == 0 || ::fstat(fd_.get(), &status) != 0) return;
  // Should this fail too, the reader drops the torn last line by itself.
  [[maybe_unused]] const int ignored =
      ::ftruncate(fd_.get(), status.st_size - static_cast<off_t>(written));
}

namespace {

Status replaceFile(const fs::path& target, std::string_view text, mode_t permissions) {
  fs::path partial = target;
  partial += fmt::format(".{}.partial", ::getpid());  // several processes may write the same file
  if (auto written = writeInPlace(partial, text, O_TRUNC, permissions); !written) {
    ::unlink(partial.c_str());
    return written;
  }
  if (::rename(partial.c_str(), target.c_str()) == 0) return {};
  const int number = errno;
  ::unlink(partial.c_str());
  return cannot("write", target, number);
}

}  // namespace

Status writeWholeFile(const fs::path& path, std::string_view text) {
  if (isStream(path)) return writeInPlace(path, text, O_APPEND);
  std::error_code error;
  return replaceFile(fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : path, text,
                     0644);
}

Status writeSecretFile(const fs::path& path, std::string_view text) {
  return replaceFile(path, text, 0600);
}

SpareFile::SpareFile(const fs::path& directory)
    : fd_(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644)) {}

Status SpareFile::writeAs(const fs::path& path, std::string_view text) {
  const Fd fd = std::move(fd_);
  std::size_t written = 0;
  int error = writeAll(fd.get(), text, written);
  const std::string self = fmt::format("/proc/self/fd/{}", fd.get());
  if (error == 0 &&
      ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0)
    error = errno;
  if (error != 0) return cannot("write", path, error);
  return {};
}

Result<std::string> readWholeFile(const fs::path& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return cannot("read", path, errno);
  std::string text;
  struct stat status{};
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
    text.reserve(std::min(static_cast<std::size_t>(status.st_size), most));
  const int error = readAll(fd.get(), text, most);
  if (error == EFBIG)
    return fail(ErrorCode::invalidInput, "{} has more than {} bytes: is it the right file?",
                path.native(), most);
  if (error == EISDIR) return fail(ErrorCode::io, "{} is a directory: name a file", path.native());
  if (error != 0) return cannot("read", path, error);
  return text;
}

Status createDirectory(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return cannot("create the directory", path, error.value());
  if (!fs::is_directory(path, error)) return cannot("create the directory", path, ENOTDIR);
  return {};
}

Result<Fd> claimDirectory(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return cannot("open the directory", path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return fail(ErrorCode::usage,
                "{} is in use: another redline is writing into it; name another directory (-out), "
                "or wait until it has ended",
                path.native());
  return fd;
}

}  // namespace redline
