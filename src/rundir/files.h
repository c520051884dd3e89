#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace redline {

/// A file that grows by whole records: a crash of this process, or a full disk, leaves every
/// earlier record readable. A record is handed to the kernel at once (so it survives us, whatever
/// happens) but not forced to the disk: an fsync here would disturb the very disk that is being
/// measured. Thread-safe.
class AppendFile {
 public:
  /// Creates the file; one that exists is refused.
  static Result<std::unique_ptr<AppendFile>> create(const std::filesystem::path& path);
  /// Opens what is there (a device, in tests), or creates it.
  static Result<std::unique_ptr<AppendFile>> open(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// All of `record`, or an error naming the file, and then nothing of it: what was written before
  /// stays, and the next record may be tried.
  Status append(std::string_view record);
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  AppendFile(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  static Result<std::unique_ptr<AppendFile>> openWith(const std::filesystem::path& path, int flags);
  void takeBack(std::size_t written) noexcept;

  std::filesystem::path path_;
  int fd_;
  std::mutex mutex_;
};

/// Puts `text` at `path` all at once: under another name first, then renamed, so that a reader sees
/// the old file or the new one and never a part. A link is followed; what is no regular file
/// (/dev/stdout, a pipe) is written to as it is, never replaced.
Status writeWholeFile(const std::filesystem::path& path, std::string_view text);

Result<std::string> readWholeFile(const std::filesystem::path& path);

/// Creates the directory and its parents. One that exists must be empty.
Status createEmptyDirectory(const std::filesystem::path& path);

/// Creates the directory and its parents, or leaves it as it is.
Status createDirectory(const std::filesystem::path& path);

}  // namespace redline
