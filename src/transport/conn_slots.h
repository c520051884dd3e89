#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "transport/transport.h"

namespace redline {

/// A transport's connections by their number. A number that was released is given out again.
/// A connection keeps its address as long as it has its number: the kernel may write to it.
template <class Connection>
class ConnSlots {
 public:
  ConnId take() {
    ConnId id;
    if (free_.empty()) {
      id = static_cast<ConnId>(slots_.size());
      slots_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    slots_[id] = std::make_unique<Connection>();
    return id;
  }

  void release(ConnId id) {
    slots_[id].reset();
    free_.push_back(id);
  }

  bool holds(ConnId id) const { return slots_[id] != nullptr; }
  Connection& operator[](ConnId id) { return *slots_[id]; }

 private:
  std::vector<std::unique_ptr<Connection>> slots_;
  std::vector<ConnId> free_;
};

}  // namespace redline
