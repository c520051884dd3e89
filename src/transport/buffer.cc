#include "transport/buffer.h"

#include <algorithm>

namespace redline {

std::span<char> InBuffer::space(std::size_t minimum) {
  if (begin_ == end_) begin_ = end_ = 0;
  const std::size_t unread = end_ - begin_;
  if (brimful_ && capacity_ < kEnough) {
    moveTo(std::max({kInitial, capacity_ * 2, unread + minimum}));
  } else if (capacity_ - end_ < minimum) {
    const bool fitsAfterMove = capacity_ - unread >= std::max(minimum, capacity_ / 2);
    moveTo(fitsAfterMove ? capacity_ : std::max({kInitial, capacity_ * 2, unread + minimum}));
  }
  brimful_ = false;
  return {data_.get() + end_, capacity_ - end_};
}

void InBuffer::moveTo(std::size_t capacity) {
  const std::size_t unread = end_ - begin_;
  if (capacity == capacity_) {
    std::memmove(data_.get(), data_.get() + begin_, unread);
  } else {
    std::unique_ptr<char[]> moved(new char[capacity]);
    if (unread != 0) std::memcpy(moved.get(), data_.get() + begin_, unread);
    data_ = std::move(moved);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = unread;
}

void OutBuffer::grow(std::size_t bytes) {
  const std::size_t capacity = std::max({std::size_t{16 * 1024}, capacity_ * 2, size_ + bytes});
  std::unique_ptr<char[]> grown(new char[capacity]);
  if (size_ != 0) std::memcpy(grown.get(), data_.get(), size_);
  data_ = std::move(grown);
  capacity_ = capacity;
}

}  // namespace redline
