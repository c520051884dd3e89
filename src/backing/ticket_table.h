#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "backing/store.h"
#include "base/clock.h"

namespace redline {

/// What waits for a reply, by tickets that are never used twice, each with a deadline. For one
/// thread; memory: the most that waited at once.
template <typename T>
class TicketTable {
 public:
  StoreTicket add(T waiting, Nanos deadline) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.emplace_back();
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    Place& place = places_[number];
    ++place.generation;
    place.waiting.emplace(std::move(waiting));
    const StoreTicket ticket = (std::uint64_t{place.generation} << 32) | number;
    if (deadlines_.size() > 2 * size() + kSlack) sweep();
    deadlines_.push_back({deadline, ticket});
    std::ranges::push_heap(deadlines_, std::greater<>{});
    return ticket;
  }
  /// Null: it has been taken.
  T* find(StoreTicket ticket) {
    Place* const place = placeOf(ticket);
    return place == nullptr ? nullptr : &*place->waiting;
  }
  std::optional<T> take(StoreTicket ticket) {
    Place* const place = placeOf(ticket);
    if (place == nullptr) return std::nullopt;
    free_.push_back(static_cast<std::uint32_t>(ticket));
    return std::exchange(place->waiting, std::nullopt);
  }
  /// One whose deadline has come; 0: none.
  StoreTicket expired(Nanos now) {
    while (!deadlines_.empty()) {
      const Deadline first = deadlines_.front();
      const bool gone = placeOf(first.ticket) == nullptr;
      if (!gone && first.at > now) return 0;
      std::ranges::pop_heap(deadlines_, std::greater<>{});
      deadlines_.pop_back();
      if (!gone) return first.ticket;
    }
    return 0;
  }
  std::size_t size() const noexcept { return places_.size() - free_.size(); }

  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const Place& place : places_)
      if (place.waiting) visit(*place.waiting);
  }

 private:
  struct Place {
    std::optional<T> waiting;
    std::uint32_t generation = 0;
  };
  struct Deadline {
    Nanos at;
    StoreTicket ticket;
    bool operator>(const Deadline& other) const { return at > other.at; }
  };
  static constexpr std::size_t kSlack = 1024;

  Place* placeOf(StoreTicket ticket) {
    const auto number = static_cast<std::uint32_t>(ticket);
    if (number >= places_.size()) return nullptr;
    Place& place = places_[number];
    return place.waiting && place.generation == ticket >> 32 ? &place : nullptr;
  }
  void sweep() {
    std::erase_if(deadlines_, [this](const Deadline& d) { return placeOf(d.ticket) == nullptr; });
    std::ranges::make_heap(deadlines_, std::greater<>{});
  }

  std::vector<Place> places_;
  std::vector<std::uint32_t> free_;
  std::vector<Deadline> deadlines_;  // a heap, the soonest first; with some that have been taken
};

}  // namespace redline
