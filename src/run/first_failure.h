#pragma once

#include <mutex>

#include "base/result.h"

namespace redline {

/// Keeps the first failure of many: a run continues and reports it at the end. Thread-safe.
class FirstFailure {
 public:
  void note(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!status && status_) status_ = status;
  }
  Status get() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  mutable std::mutex mutex_;
  Status status_;
};

}  // namespace redline
