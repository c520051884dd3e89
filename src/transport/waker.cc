#include "transport/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace redline {

// Blocking, since io_uring would otherwise end a read of an empty one at once.
Result<Waker> Waker::make() {
  Fd fd(::eventfd(0, EFD_CLOEXEC));
  if (!fd.valid()) return fail(ErrorCode::io, "eventfd: {}", errnoText(errno));
  return Waker(std::move(fd));
}

void Waker::wake() const noexcept {
  const std::uint64_t one = 1;
  // It could only fail where 2^64 − 1 wake-ups were outstanding.
  [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

}  // namespace redline
