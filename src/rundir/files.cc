#include "rundir/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace redline {
namespace {

namespace fs = std::filesystem;

ErrorCode codeOf(int number) noexcept {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return full ? ErrorCode::noSpace : ErrorCode::io;
}

/// `hint` says what to do where the reason has an obvious answer.
tl::unexpected<Error> cannot(std::string_view verb, const fs::path& path, int number) {
  const std::string_view hint = codeOf(number) == ErrorCode::noSpace
                                    ? "; free some space or put the run directory elsewhere (-out)"
                                : number == EACCES || number == EROFS || number == EPERM
                                    ? "; choose a directory that you may write to (-out)"
                                    : "";
  return fail(codeOf(number), "cannot {} {}: {}{}", verb, path.native(), errnoText(number), hint);
}

/// Writes all of `bytes`; on failure `written` says how much got through.
int writeAll(int fd, std::string_view bytes, std::size_t& written) noexcept {
  written = 0;
  while (written < bytes.size()) {
    const ssize_t got = ::write(fd, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    written += static_cast<std::size_t>(got);
  }
  return 0;
}

/// `mode` is O_TRUNC to replace what the file holds, O_APPEND to go on behind it.
Status writeInPlace(const fs::path& path, std::string_view text, int mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0644);
  if (fd < 0) return cannot("create", path, errno);
  std::size_t written = 0;
  int error = writeAll(fd, text, written);
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error != 0) return cannot("write", path, error);
  return {};
}

/// A pipe or a device; and /dev/stdout is somebody's open file even where it leads to a regular
/// one.
bool isStream(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return (fs::exists(status) && !fs::is_regular_file(status)) || path.native().starts_with("/dev/");
}

}  // namespace

Result<std::unique_ptr<AppendFile>> AppendFile::create(const fs::path& path) {
  return openWith(path, O_EXCL);
}

Result<std::unique_ptr<AppendFile>> AppendFile::open(const fs::path& path) {
  return openWith(path, 0);
}

Result<std::unique_ptr<AppendFile>> AppendFile::openWith(const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0644);
  if (fd < 0) return cannot("create", path, errno);
  return std::unique_ptr<AppendFile>(new AppendFile(path, fd));
}

AppendFile::~AppendFile() {
  ::close(fd_);
}

Status AppendFile::append(std::string_view record) {
  const std::lock_guard lock(mutex_);
  std::size_t written = 0;
  const int error = writeAll(fd_, record, written);
  if (error == 0) return {};
  takeBack(written);
  return cannot("write", path_, error);
}

void AppendFile::takeBack(std::size_t written) noexcept {
  struct stat status{};
  if (written == 0 || ::fstat(fd_, &status) != 0) return;
  // Should this fail too, the reader drops the torn last line by itself.
  [[maybe_unused]] const int ignored =
      ::ftruncate(fd_, status.st_size - static_cast<off_t>(written));
}

Status writeWholeFile(const fs::path& path, std::string_view text) {
  if (isStream(path)) return writeInPlace(path, text, O_APPEND);
  std::error_code error;
  const fs::path target = fs::is_symlink(path, error) ? fs::weakly_canonical(path, error) : path;
  fs::path partial = target;
  partial += ".partial";
  if (auto written = writeInPlace(partial, text, O_TRUNC); !written) {
    ::unlink(partial.c_str());
    return written;
  }
  if (::rename(partial.c_str(), target.c_str()) == 0) return {};
  const int number = errno;
  ::unlink(partial.c_str());
  return cannot("write", target, number);
}

Result<std::string> readWholeFile(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return cannot("read", path, errno);
  std::string text;
  struct stat status{};
  if (::fstat(fd, &status) == 0 && status.st_size > 0)
    text.reserve(static_cast<std::size_t>(status.st_size));
  char block[1 << 16];
  int error = 0;
  for (;;) {
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    text.append(block, static_cast<std::size_t>(got));
  }
  ::close(fd);
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

Status createEmptyDirectory(const fs::path& path) {
  if (path.empty())
    return fail(ErrorCode::usage, "the run directory's path is empty; give -out=DIR");
  if (auto created = createDirectory(path); !created) return created;
  std::error_code error;
  const bool empty = fs::is_empty(path, error);
  if (error) return cannot("read the directory", path, error.value());
  if (!empty)
    return fail(
        ErrorCode::usage,
        "{} is not empty: a run directory holds one run; name a new one (-out) or remove it",
        path.native());
  return {};
}

}  // namespace redline
