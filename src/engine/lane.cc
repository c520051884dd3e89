#include "engine/lane.h"

#include <algorithm>
#include <utility>

namespace redline {

Lane::Lane(std::uint16_t number, Endpoint endpoint, std::size_t connections, std::size_t batchSize)
    : number_(number),
      endpoint_(std::move(endpoint)),
      connections_(connections),
      free_(connections),
      down_(connections) {
  for (Connection& c : connections_) {
    c.lane = this;
    c.batch.reserve(batchSize);
  }
}

void Lane::subscribe() {
  subscriber = std::make_unique<Connection>();
  subscriber->lane = this;
}

Connection& Lane::begin(Nanos from) {
  forming_ = free_[freeHead_];
  if (++freeHead_ == free_.size()) freeHead_ = 0;
  --freeCount_;
  forming_->state = Connection::State::forming;
  forming_->freeAt = std::max(forming_->freeAt, from);
  return *forming_;
}

Connection& Lane::close() {
  forming_->state = Connection::State::busy;
  return *std::exchange(forming_, nullptr);
}

void Lane::release(Connection& c, Nanos now) {
  c.state = Connection::State::free;
  c.freeAt = now;
  c.backoff = 0;
  c.clear();
  std::size_t slot = freeHead_ + freeCount_++;
  if (slot >= free_.size()) slot -= free_.size();
  free_[slot] = &c;
}

void Lane::lose(Connection& c) {
  if (c.state == Connection::State::free) {
    // Rare: rebuild the ring without it.
    std::vector<Connection*> kept;
    for (std::size_t i = 0; i < freeCount_; ++i) {
      Connection* const other = free_[(freeHead_ + i) % free_.size()];
      if (other != &c) kept.push_back(other);
    }
    freeHead_ = 0;
    freeCount_ = kept.size();
    std::copy(kept.begin(), kept.end(), free_.begin());
  }
  if (forming_ == &c) forming_ = nullptr;
  c.clear();
  c.state = Connection::State::down;
  ++down_;
}

bool Lane::markSilence(Nanos since) {
  const bool owes = heardAt < since && std::ranges::any_of(
                                           connections_,
                                           [since](const Connection& c) {
                                             return c.state == Connection::State::busy &&
                                                    c.sentAt != 0 && c.sentAt < since;
                                           });
  return std::exchange(silent, owes) != owes;
}

void Lane::forget() {
  completed = redirected = 0;
  if (service) service->reset();
}

}  // namespace redline
