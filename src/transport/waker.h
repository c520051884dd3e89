#pragma once

#include "base/result.h"
#include "os/fd.h"

namespace redline {

/// Makes a Transport's wait() return: an eventfd.
class Waker {
 public:
  static Result<Waker> make();
  /// From any thread. One system call.
  void wake() const noexcept;
  int fd() const noexcept { return fd_.get(); }

 private:
  explicit Waker(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace redline
