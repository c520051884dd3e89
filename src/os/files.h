#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// Opens a file for writes behind its end, or creates it; `flags` are further ones of open(2).
Result<Fd> openToAppend(const std::filesystem::path& path, int flags = 0);

/// A file that grows by whole records: a crash of this process, or a full disk, leaves every
/// earlier record readable. A record is handed to the kernel at once, so it survives this process,
/// but is not forced to the disk: an fsync here would disturb the very disk that is being measured.
/// Thread-safe.
class AppendFile {
 public:
  /// Creates the file; one that exists is refused.
  static Result<std::unique_ptr<AppendFile>> create(const std::filesystem::path& path);
  /// Opens what is there (a device, in tests), or creates it.
  static Result<std::unique_ptr<AppendFile>> open(const std::filesystem::path& path);

  /// Writes all of `record`. After an error nothing of it is in the file, earlier records are, and
  /// the next one may be tried.
  Status append(std::string_view record);
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  AppendFile(std::filesystem::path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  static Result<std::unique_ptr<AppendFile>> openWith(const std::filesystem::path& path, int flags);
  void takeBack(std::size_t written) noexcept;

  std::filesystem::path path_;
  Fd fd_;
  std::mutex mutex_;
};

/// Replaces a file atomically: readers see the old text or the new one, and a crash leaves one of
/// them. A link is followed; what is not a regular file (/dev/stdout, a pipe) is written to, never
/// replaced.
Status writeWholeFile(const std::filesystem::path& path, std::string_view text);

/// The same for a regular file that nobody but this process's user can read.
Status writeSecretFile(const std::filesystem::path& path, std::string_view text);

/// A file without a name, opened ahead of time: its text gets to the directory even when no further
/// file can be opened by then.
class SpareFile {
 public:
  /// For a file in `directory`. Where its file system has no nameless files, it is of no use.
  explicit SpareFile(const std::filesystem::path& directory);
  /// Gives it `text` and the name `path`, which must be free. Once.
  Status writeAs(const std::filesystem::path& path, std::string_view text);

 private:
  Fd fd_;
};

/// A whole file, those of /proc included. invalidInput: it has more than `most` bytes, and may have
/// no end.
Result<std::string> readWholeFile(const std::filesystem::path& path, std::size_t most = 1U << 30);

/// Creates the directory and its parents; one that exists stays as it is.
Status createDirectory(const std::filesystem::path& path);

/// Claims a directory for as long as the descriptor is open, and changes nothing in it. usage:
/// another open descriptor has claimed it, of this process or of another one. On a file system that
/// cannot lock everybody gets it.
Result<Fd> claimDirectory(const std::filesystem::path& path);

}  // namespace redline
