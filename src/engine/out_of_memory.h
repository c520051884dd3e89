#pragma once

#include <new>
#include <utility>

#include "base/result.h"

namespace redline {

/// What `work()`, a Status, says; noSpace where it runs out of memory.
template <typename Work>
Status withinMemory(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::noSpace,
                "out of memory: use fewer -conns, or smaller batches, values or caches");
  }
}

}  // namespace redline
