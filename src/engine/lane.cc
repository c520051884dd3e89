#include "engine/lane.h"

#include <algorithm>
#include <utility>

namespace redline {

Lane::Lane(std::uint16_t number, Endpoint endpoint, const LaneSetup& setup)
    : LaneBase(number, std::move(endpoint), setup.connections),
      connections_(setup.connections),
      idle_(setup.connections) {
  for (Connection& c : connections_) {
    c.lane = this;
    c.script = setup.script;
    c.batch.reserve(setup.batchSize);
  }
  if (setup.subscription != nullptr) {
    subscriber_ = std::make_unique<Connection>();
    subscriber_->lane = this;
    subscriber_->script = setup.subscription;
    subscriber_->carriesOperations = false;
    onDown(*subscriber_);
  }
  if (setup.keepsServiceTimes) service = std::make_unique<Histogram>();
}

Connection& Lane::begin(Nanos from) {
  forming_ = idle_[idleHead_];
  if (++idleHead_ == idle_.size()) idleHead_ = 0;
  --idleCount_;
  forming_->use = Connection::Use::forming;
  forming_->freeAt = std::max(forming_->freeAt, from);
  return *forming_;
}

Connection& Lane::close() {
  forming_->use = Connection::Use::busy;
  return *std::exchange(forming_, nullptr);
}

void Lane::release(Connection& c, Nanos now) {
  c.use = Connection::Use::idle;
  c.freeAt = now;
  c.answeredSentAt = c.sentAt;
  c.clear();
  std::size_t place = idleHead_ + idleCount_++;
  if (place >= idle_.size()) place -= idle_.size();
  idle_[place] = &c;
}

void Lane::withdraw(Connection& c) {
  // Rare: rebuild the ring without it.
  std::vector<Connection*> kept;
  for (std::size_t i = 0; i < idleCount_; ++i) {
    Connection* const other = idle_[(idleHead_ + i) % idle_.size()];
    if (other != &c) kept.push_back(other);
  }
  idleHead_ = 0;
  idleCount_ = kept.size();
  std::ranges::copy(kept, idle_.begin());
  if (forming_ == &c) forming_ = nullptr;
  c.clear();
  c.use = Connection::Use::idle;
}

bool Lane::owesReplySince(Nanos since) const {
  return std::ranges::any_of(connections_, [since](const Connection& c) {
    const bool busy = c.use == Connection::Use::busy && c.sentAt != 0 && c.sentAt < since;
    return busy || (c.isComingUp() && c.openedAt < since);
  });
}

}  // namespace redline
