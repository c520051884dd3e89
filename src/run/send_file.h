#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "engine/send_log.h"
#include "os/files.h"

namespace redline {

/// The file with the time of every send (-sends): int64 nanoseconds, ascending. It grows while the
/// run goes on, one part for each worker beside it, so that its memory does not depend on the
/// length of the run; at the end the parts are merged.
class SendFile {
 public:
  /// `logs`: of the workers; they outlive this. io: a part cannot be created.
  static Result<SendFile> create(std::filesystem::path path, std::vector<SendLog*> logs);

  /// Writes what the workers have handed over. Call it several times a second.
  Status poll();
  /// After the workers have ended: writes the rest and merges the parts; times count from `zero`.
  /// io: times are missing, since the disk was slower than the sends, or it cannot be written.
  Status finish(Nanos zero);

 private:
  struct Part {
    SendLog* log;
    std::unique_ptr<AppendFile> file;
  };
  SendFile(std::filesystem::path path, std::vector<Part> parts)
      : path_(std::move(path)), parts_(std::move(parts)) {}
  Status merge(Nanos zero) const;
  void removeParts() const;

  std::filesystem::path path_;
  std::vector<Part> parts_;
};

}  // namespace redline
