#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// A file of this object's own in a directory, gone with it.
class ScratchFile {
 public:
  explicit ScratchFile(const std::filesystem::path& directory);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  int fd() const { return fd_.get(); }  ///< -1, with errno right after construction: none was made

 private:
  std::string name_;
  Fd fd_;
};

/// Appends `record` and calls fdatasync; how long the latter took.
Result<Nanos> timeSync(const ScratchFile& file, std::string_view record);

/// timeSync() of records of `bytes` in a file of its own, up to `count` times but no longer than
/// half a second; 20 times at least.
Result<std::vector<Nanos>> timeSyncs(const std::filesystem::path& directory,
                                     std::size_t count = 300, std::size_t bytes = 200);

}  // namespace redline
