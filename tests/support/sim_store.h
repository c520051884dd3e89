#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "support/sim_transport.h"

namespace redline {

/// One node behind a SimTransport that keeps what it is told to, and tells those who track keys
/// when they change: GET, SET, MSET, PTTL, HELLO and CLIENT TRACKING as Redis answers them.
class SimStore {
 public:
  SimStore(SimTransport& transport, ManualClock& clock) : transport_(transport), clock_(clock) {
    transport.answerOf = [this](const Endpoint&, ConnId conn, const Value& request) {
      return answer(conn, request);
    };
  }

  std::map<std::string, std::string> values;
  std::map<std::string, int> reads, writes;   ///< requests by key
  std::map<std::string, std::string> refuse;  ///< by key: the error that writes of it get
  Nanos pushDelay = 0;                        ///< of invalidations, behind the replies
  std::int64_t pttl = -1;                     ///< what PTTL says of every key
  std::size_t trackers = 0, subscribers = 0;

 private:
  std::string answer(ConnId conn, const Value& request) {
    const auto arg = [&](std::size_t i) { return request.items.at(i).text; };
    if (arg(0) == "HELLO") return "%1\r\n$5\r\nproto\r\n:3\r\n";
    if (arg(0) == "CLIENT") return track(conn, request);
    if (arg(0) == "PTTL") return ":" + std::to_string(pttl) + "\r\n";
    if (arg(0) == "GET") return get(conn, arg(1));
    if (arg(0) == "MSET") {
      for (std::size_t i = 1; i < request.items.size(); i += 2) set(arg(i), arg(i + 1));
      return "+OK\r\n";
    }
    if (arg(0) != "SET") return "-ERR unknown command\r\n";
    if (const auto no = refuse.find(arg(1)); no != refuse.end()) return no->second;
    set(arg(1), arg(2));
    return "+OK\r\n";
  }

  std::string track(ConnId conn, const Value& request) {
    if (request.items.size() > 3) {
      broadcast_.insert(conn);
      ++subscribers;
    } else {
      tracking_.insert(conn);
      ++trackers;
    }
    return "+OK\r\n";
  }

  std::string get(ConnId conn, const std::string& key) {
    ++reads[key];
    if (tracking_.contains(conn)) readers_[key].insert(conn);
    const auto found = values.find(key);
    if (found == values.end()) return tracking_.contains(conn) ? "_\r\n" : "$-1\r\n";
    return "$" + std::to_string(found->second.size()) + "\r\n" + found->second + "\r\n";
  }

  void set(const std::string& key, const std::string& value) {
    ++writes[key];
    values[key] = value;
    const std::string bytes =
        ">2\r\n$10\r\ninvalidate\r\n*1\r\n$" + std::to_string(key.size()) + "\r\n" + key + "\r\n";
    for (const ConnId conn : readers_[key]) transport_.push(conn, clock_.now() + pushDelay, bytes);
    readers_.erase(key);
    for (const ConnId conn : broadcast_) transport_.push(conn, clock_.now() + pushDelay, bytes);
  }

  SimTransport& transport_;
  ManualClock& clock_;
  std::set<ConnId> tracking_, broadcast_;
  std::map<std::string, std::set<ConnId>> readers_;
};

}  // namespace redline
