#pragma once

#include <map>
#include <string>

#include "base/clock.h"
#include "support/sim_transport.h"

namespace redline {

/// One node behind a SimTransport that keeps keys until they expire: GET, SET (PXAT, NX PX), DEL,
/// PTTL, and EVAL of the driver's lock of a missing key and of its fenced refill, as Redis answers
/// them. Its wall clock is the simulated one plus `wallOffset`.
class SimCache {
 public:
  SimCache(SimTransport& transport, ManualClock& clock) : clock_(clock) {
    transport.answer = [this](const Value& request) { return answer(request); };
  }

  struct Entry {
    std::string value;
    Nanos expiresAt = 0;  ///< on the simulated clock; 0: never
  };
  std::map<std::string, Entry> keys;
  std::map<std::string, int> commands;  ///< by name
  Nanos wallOffset = 0;

  /// What is there now.
  const Entry* find(const std::string& key) {
    const auto found = keys.find(key);
    if (found == keys.end()) return nullptr;
    if (found->second.expiresAt != 0 && found->second.expiresAt <= clock_.now()) {
      keys.erase(found);
      return nullptr;
    }
    return &found->second;
  }

 private:
  std::string answer(const Value& request) {
    const auto arg = [&](std::size_t i) { return request.items.at(i).text; };
    const std::string name = arg(0);
    ++commands[name];
    if (name == "GET") {
      const Entry* const entry = find(arg(1));
      return entry == nullptr ? "$-1\r\n" : bulk(entry->value);
    }
    if (name == "PTTL") return pttl(arg(1));
    if (name == "DEL") {
      int gone = 0;
      for (std::size_t i = 1; i < request.items.size(); ++i) gone += find(arg(i)) != nullptr;
      for (std::size_t i = 1; i < request.items.size(); ++i) keys.erase(arg(i));
      return ":" + std::to_string(gone) + "\r\n";
    }
    if (name == "SET" && request.items.size() == 6) {
      if (find(arg(1)) != nullptr) return "$-1\r\n";
      keys[arg(1)] = {arg(2), clock_.now() + std::stoll(arg(5)) * kMillisecond};
      return "+OK\r\n";
    }
    if (name == "SET") {
      keys[arg(1)] = {arg(2), request.items.size() == 5 ? onClock(arg(4)) : 0};
      return "+OK\r\n";
    }
    if (name == "EVAL" && arg(1).find("EXISTS") != std::string::npos) {  // … 2 lock key token ms
      if (find(arg(4)) != nullptr || find(arg(3)) != nullptr) return "$-1\r\n";
      keys[arg(3)] = {arg(5), clock_.now() + std::stoll(arg(6)) * kMillisecond};
      return "+OK\r\n";
    }
    if (name == "EVAL") {  // script 2 lock key token value [unix milliseconds]
      const Entry* const lock = find(arg(3));
      if (lock == nullptr || lock->value != arg(5)) return ":0\r\n";
      keys[arg(4)] = {arg(6), request.items.size() == 8 ? onClock(arg(7)) : 0};
      keys.erase(arg(3));
      return ":1\r\n";
    }
    return "-ERR unknown command\r\n";
  }

  std::string pttl(const std::string& key) {
    const Entry* const entry = find(key);
    if (entry == nullptr) return ":-2\r\n";
    if (entry->expiresAt == 0) return ":-1\r\n";
    return ":" + std::to_string((entry->expiresAt - clock_.now()) / kMillisecond) + "\r\n";
  }
  Nanos onClock(const std::string& unixMillis) const {
    return std::stoll(unixMillis) * kMillisecond - wallOffset;
  }
  static std::string bulk(const std::string& value) {
    return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
  }

  ManualClock& clock_;
};

}  // namespace redline
