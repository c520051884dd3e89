#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backing/store.h"
#include "base/clock.h"
#include "workload/values.h"

namespace redline {

/// A store on a ManualClock: `connections` requests at a time, each for `serviceTime`, in order of
/// arrival. A read finds the version that the row had when it was asked for; a write changes the
/// row when it is done. deliver() posts what is done by now.
class SimBacking final : public Store {
 public:
  SimBacking(ManualClock& clock, const Values& values) : clock_(clock), values_(values) {}

  Nanos serviceTime = 500 * kMicrosecond;
  unsigned connections = 8;
  std::map<std::uint64_t, std::uint64_t> rows;  ///< by id: the version; 0 where there is none
  /// May change a reply, and when it comes: the largest Nanos is never.
  std::function<void(const StoreRequest&, StoreReply&, Nanos& at)> change =
      [](const StoreRequest&, StoreReply&, Nanos&) {};
  std::vector<StoreRequest> requests;  ///< all of them
  std::size_t mostAtOnce = 0;          ///< waiting or in service

  void submit(std::span<const StoreRequest> asked, StoreInbox& replies) override {
    free_.resize(connections, 0);
    for (const StoreRequest& request : asked) {
      requests.push_back(request);
      Nanos& free = *std::ranges::min_element(free_);
      StoreReply reply;
      reply.ticket = request.ticket;
      reply.kind = request.kind;
      reply.id = request.id;
      reply.sentAt = std::max(clock_.now(), free);
      free = reply.sentAt + serviceTime;
      Nanos at = free;
      const bool read = request.kind == StoreRequest::Kind::read;
      reply.outcome = read ? StoreReply::Outcome::found : StoreReply::Outcome::stored;
      reply.version = read ? rows[request.id] : request.version;
      if (read) {
        reply.value.resize(values_.size());
        values_.write(reply.value.data(), request.id, reply.version);
      }
      change(request, reply, at);
      pending_.push_back({at, std::move(reply), &replies});
      mostAtOnce = std::max(mostAtOnce, pending_.size());
    }
  }
  StoreLevels levels() const noexcept override { return {pending_.size(), 0, connections}; }

  Nanos next() const {
    Nanos soonest = std::numeric_limits<Nanos>::max();
    for (const Pending& p : pending_) soonest = std::min(soonest, p.at);
    return soonest;
  }
  void deliver() {
    std::vector<Pending> due;
    std::erase_if(pending_, [&](Pending& p) {
      if (p.at > clock_.now()) return false;
      due.push_back(std::move(p));
      return true;
    });
    std::ranges::stable_sort(due, {}, &Pending::at);
    for (Pending& p : due) {
      p.reply.doneAt = p.at;
      if (p.reply.outcome == StoreReply::Outcome::stored) rows[p.reply.id] = p.reply.version;
      p.inbox->post({&p.reply, 1});
    }
  }

 private:
  struct Pending {
    Nanos at;
    StoreReply reply;
    StoreInbox* inbox;
  };

  ManualClock& clock_;
  const Values values_;
  std::vector<Nanos> free_;  // by connection
  std::vector<Pending> pending_;
};

}  // namespace redline
