#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace redline {

/// Bytes received and not yet consumed, in one piece: a reply is always contiguous. The owner of
/// the connection consumes from the front; the transport appends at the back. While a receive is
/// under way into space(), only consume() may be called.
class InBuffer {
 public:
  std::string_view readable() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) noexcept { begin_ += bytes; }

  /// Room for at least `minimum` more bytes, moving or growing what is there when needed. A buffer
  /// that the last receive filled to the brim is doubled, up to kEnough, for fewer system calls.
  std::span<char> space(std::size_t minimum = kInitial / 2);
  void commit(std::size_t bytes) noexcept {
    end_ += bytes;
    brimful_ = end_ == capacity_;
  }
  void clear() noexcept { begin_ = end_ = 0; }

 private:
  static constexpr std::size_t kInitial = 16 * 1024;
  static constexpr std::size_t kEnough = 1024 * 1024;
  void moveTo(std::size_t capacity);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  bool brimful_ = false;
};

/// Bytes to send. reserve() room, write into it, commit() what was written.
class OutBuffer {
 public:
  /// Where at least `bytes` more bytes may be written; good until the next call.
  char* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) grow(bytes);
    return data_.get() + size_;
  }
  void commit(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }
  void append(std::string_view bytes) {
    char* out = reserve(bytes.size());
    std::memcpy(out, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  std::string_view view() const noexcept { return {data_.get(), size_}; }
  bool empty() const noexcept { return size_ == 0; }
  void clear() noexcept { size_ = 0; }
  /// Drops the first `bytes`.
  void consume(std::size_t bytes) noexcept {
    size_ -= bytes;
    std::memmove(data_.get(), data_.get() + bytes, size_);
  }
  friend void swap(OutBuffer& a, OutBuffer& b) noexcept {
    std::swap(a.data_, b.data_);
    std::swap(a.capacity_, b.capacity_);
    std::swap(a.size_, b.size_);
  }

 private:
  void grow(std::size_t bytes);

  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0, size_ = 0;
};

}  // namespace redline
