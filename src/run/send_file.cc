#include "run/send_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace redline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuffered = std::size_t{1} << 16;  // times, of each part

std::string_view bytesOf(const SendLog::Chunk& times) {
  return {reinterpret_cast<const char*>(times.data()), times.size() * sizeof(Nanos)};
}

Status write(AppendFile& file, const SendLog::Chunk& times) {
  return times.empty() ? Status{} : file.append(bytesOf(times));
}

/// The times of one part, one after another.
class PartReader {
 public:
  explicit PartReader(const fs::path& path) : file_(path, std::ios::binary) { fill(); }

  std::optional<Nanos> front() const {
    return at_ < times_.size() ? std::optional(times_[at_]) : std::nullopt;
  }
  void pop() {
    if (++at_ == times_.size()) fill();
  }

 private:
  void fill() {
    at_ = 0;
    times_.resize(kBuffered);
    file_.read(reinterpret_cast<char*>(times_.data()),
               static_cast<std::streamsize>(kBuffered * sizeof(Nanos)));
    times_.resize(static_cast<std::size_t>(file_.gcount()) / sizeof(Nanos));
  }

  std::ifstream file_;
  SendLog::Chunk times_;
  std::size_t at_ = 0;
};

}  // namespace

Result<SendFile> SendFile::create(fs::path path, std::vector<SendLog*> logs) {
  std::vector<Part> parts;
  for (SendLog* const log : logs) {
    const fs::path name = path.native() + fmt::format(".part{}", parts.size());
    std::error_code ignored;
    fs::remove(name, ignored);  // of a run that was killed
    auto file = AppendFile::create(name);
    if (!file) return fail(std::move(file.error()));
    parts.push_back({log, std::move(*file)});
  }
  return SendFile(std::move(path), std::move(parts));
}

Status SendFile::poll() {
  Status status;
  for (Part& part : parts_)
    for (SendLog::Chunk& times : part.log->takeFull()) {
      if (status) status = write(*part.file, times);
      part.log->giveBack(std::move(times));
    }
  return status;
}

Status SendFile::finish(Nanos zero) {
  Status status = poll();
  std::uint64_t dropped = 0;
  for (Part& part : parts_) {
    if (status) status = write(*part.file, part.log->takeRest());
    dropped += part.log->dropped();
  }
  if (status) status = merge(zero);
  removeParts();
  if (status && dropped != 0)
    return fail(ErrorCode::io,
                "-sends={}: {} times are missing, since the disk was slower than the sends",
                path_.native(), dropped);
  return status;
}

Status SendFile::merge(Nanos zero) const {
  std::vector<PartReader> readers;
  for (const Part& part : parts_) readers.emplace_back(part.file->path());
  fs::path whole = path_;
  whole += ".new";
  std::error_code problem;
  fs::remove(whole, problem);
  auto file = AppendFile::create(whole);
  if (!file) return fail(std::move(file.error()));
  SendLog::Chunk times;
  for (;;) {
    PartReader* earliest = nullptr;
    for (PartReader& reader : readers)
      if (reader.front() && (earliest == nullptr || *reader.front() < *earliest->front()))
        earliest = &reader;
    if (earliest != nullptr) {
      times.push_back(*earliest->front() - zero);
      earliest->pop();
    }
    if (earliest != nullptr && times.size() < kBuffered) continue;
    if (auto written = write(**file, times); !written) return written;
    times.clear();
    if (earliest == nullptr) break;
  }
  fs::rename(whole, path_, problem);
  if (problem) return fail(ErrorCode::io, "cannot write {}: {}", path_.native(), problem.message());
  return {};
}

void SendFile::removeParts() const {
  std::error_code ignored;
  for (const Part& part : parts_) fs::remove(part.file->path(), ignored);
}

}  // namespace redline
