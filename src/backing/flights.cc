#include "backing/flights.h"

#include <utility>

#include "base/rng.h"

namespace redline {

Flights::Shard& Flights::shardOf(std::uint64_t id) {
  return shards_[mix64(id) % kShards];
}

Flights::Joined Flights::join(std::uint64_t id, Passenger passenger) {
  using As = Joined::As;
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto [found, isNew] = shard.flights.try_emplace(id);
  Flight& flight = found->second;
  if (isNew) {
    flight.number = newNumber();
    return {As::leader, flight.number, 0};
  }
  if (flight.landed) return {As::late, 0, flight.version};
  flight.passengers.push_back(passenger);
  return {As::passenger, 0, 0};
}

Flights::Number Flights::lead(std::uint64_t id) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  const auto [found, isNew] = shard.flights.try_emplace(id);
  if (!isNew) return 0;
  return found->second.number = newNumber();
}

std::vector<Flights::Passenger> Flights::land(std::uint64_t id, Number flight,
                                              std::uint64_t version) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.flights.find(id);
      found != shard.flights.end() && found->second.number == flight) {
    found->second.landed = true;
    found->second.version = version;
    return std::exchange(found->second.passengers, {});
  }
  if (const auto found = shard.forgotten.find(flight); found != shard.forgotten.end())
    return std::exchange(found->second.passengers, {});
  return {};
}

std::vector<Flights::Passenger> Flights::end(std::uint64_t id, Number flight) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  std::vector<Passenger> left;
  if (const auto found = shard.flights.find(id);
      found != shard.flights.end() && found->second.number == flight) {
    left = std::move(found->second.passengers);
    shard.flights.erase(found);
  } else if (const auto gone = shard.forgotten.find(flight); gone != shard.forgotten.end()) {
    left = std::move(gone->second.passengers);
    shard.forgotten.erase(gone);
  }
  return left;
}

void Flights::forget(std::uint64_t id) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  auto flight = shard.flights.extract(id);
  if (!flight) return;
  const Number number = flight.mapped().number;
  shard.forgotten.emplace(number, std::move(flight.mapped()));
}

std::size_t Flights::size() const {
  std::size_t all = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    all += shard.flights.size() + shard.forgotten.size();
  }
  return all;
}

}  // namespace redline
