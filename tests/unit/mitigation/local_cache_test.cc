#include "mitigation/local_cache.h"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <string>
#include <unordered_map>

#include "base/rng.h"

namespace redline {
namespace {

using Cause = LocalCache::Cause;

bool put(LocalCache& cache, std::uint64_t id, std::string_view value, Nanos expiresAt = 0) {
  return cache.fill(id, {0, cache.ticket()}, value, expiresAt);
}

TEST(LocalCache, ServesWhatWasPutIn) {
  LocalCache cache(4, 100);
  EXPECT_FALSE(cache.get(1, 0, 0));
  EXPECT_TRUE(put(cache, 1, "one"));
  EXPECT_TRUE(put(cache, 2, ""));
  EXPECT_EQ(cache.get(1, 0, 0), "one");
  EXPECT_EQ(cache.get(2, 0, 0), "");
  EXPECT_TRUE(put(cache, 1, "another"));
  EXPECT_EQ(cache.get(1, 0, 0), "another");
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_EQ(cache.counts().hits, 3U);
  EXPECT_EQ(cache.counts().misses, 1U);
  EXPECT_EQ(cache.counts().fills, 3U);
}

TEST(LocalCache, DropsWhatCameFromAnotherSourceThanServesTheKeyNow) {
  LocalCache cache(4, 16);
  EXPECT_TRUE(cache.fill(1, {7, cache.ticket()}, "one", 0));
  EXPECT_EQ(cache.get(1, 7, 0), "one");
  EXPECT_FALSE(cache.get(1, 8, 0));
  EXPECT_FALSE(cache.get(1, 7, 0)) << "gone for good, should the key come back";
  EXPECT_EQ(cache.counts().moved, 1U);
  EXPECT_EQ(cache.counts().misses, 2U);
}

TEST(LocalCache, EvictsTheLeastRecentlyUsed) {
  LocalCache cache(3, 8);
  for (const std::uint64_t id : {1U, 2U, 3U}) put(cache, id, "v");
  EXPECT_TRUE(cache.get(1, 0, 0));
  put(cache, 4, "v");  // makes 2 go
  EXPECT_FALSE(cache.get(2, 0, 0));
  EXPECT_TRUE(cache.get(1, 0, 0));
  EXPECT_TRUE(cache.get(3, 0, 0));
  EXPECT_TRUE(cache.get(4, 0, 0));
  EXPECT_EQ(cache.counts().evictions, 1U);
}

TEST(LocalCache, DoesNotServeAnEntryPastItsTime) {
  LocalCache cache(3, 8);
  put(cache, 1, "v", 100);
  EXPECT_TRUE(cache.get(1, 0, 99));
  EXPECT_FALSE(cache.get(1, 0, 100));
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_EQ(cache.counts().expired, 1U);
  EXPECT_EQ(cache.counts().misses, 1U);
}

TEST(LocalCache, DropsWhatTheServerOrAnOwnWriteInvalidates) {
  LocalCache cache(3, 8);
  put(cache, 1, "v");
  put(cache, 2, "v");
  cache.invalidate(1, Cause::server);
  cache.invalidate(2, Cause::ownWrite);
  cache.invalidate(3, Cause::server);
  EXPECT_FALSE(cache.get(1, 0, 0));
  EXPECT_FALSE(cache.get(2, 0, 0));
  EXPECT_EQ(cache.counts().pushes, 2U);
  EXPECT_EQ(cache.counts().invalidations, 1U);
  EXPECT_EQ(cache.counts().ownInvalidations, 1U);
}

TEST(LocalCache, AnInvalidationThatPassesAReadPoisonsItsFill) {
  LocalCache cache(3, 8);
  for (const Cause cause : {Cause::server, Cause::ownWrite}) {
    const auto ticket = cache.ticket();  // the read leaves …
    cache.invalidate(1, cause);          // … and is passed on its way back
    EXPECT_FALSE(cache.fill(1, {0, ticket}, "old", 0));
    EXPECT_FALSE(cache.get(1, 0, 0));
  }
  EXPECT_EQ(cache.counts().poisonedFills, 2U);
  EXPECT_TRUE(put(cache, 1, "new")) << "a read sent after the invalidation is good";
}

TEST(LocalCache, AnInvalidationOfAnotherKeyDoesNotPoison) {
  LocalCache cache(3, 8);
  const auto ticket = cache.ticket();
  cache.invalidate(2, Cause::server);
  EXPECT_TRUE(cache.fill(1, {0, ticket}, "v", 0));
}

TEST(LocalCache, AFlushEmptiesItAndPoisonsAllReadsUnderWay) {
  LocalCache cache(3, 8);
  put(cache, 1, "v");
  const auto ticket = cache.ticket();
  cache.flush();
  EXPECT_EQ(cache.size(), 0U);
  EXPECT_FALSE(cache.get(1, 0, 0));
  EXPECT_FALSE(cache.fill(2, {0, ticket}, "v", 0));
  EXPECT_TRUE(put(cache, 2, "v"));
}

TEST(LocalCache, RefusesAValueThatIsLongerThanAnEntry) {
  LocalCache cache(3, 4);
  EXPECT_FALSE(put(cache, 1, "12345"));
  EXPECT_EQ(cache.counts().oversize, 1U);
  EXPECT_TRUE(put(cache, 1, "1234"));
}

TEST(LocalCache, KeepsToItsBytes) {
  for (const std::size_t bytes : {1000U, 65'536U, 1'000'000U}) {
    const LocalCache cache(LocalCache::entriesWithin(bytes, 100), 100);
    EXPECT_LE(cache.memoryReserved(), bytes);
    EXPECT_GT(cache.memoryReserved(), bytes * 8 / 10);
    EXPECT_EQ(cache.memoryUsed(), 0U);
  }
  EXPECT_EQ(LocalCache::entriesWithin(1, 100), 1U);
}

/// The same thing in a few obvious lines.
class PlainLru {
 public:
  explicit PlainLru(std::size_t capacity) : capacity_(capacity) {}
  const std::string* get(std::uint64_t id) {
    const auto at = map_.find(id);
    if (at == map_.end()) return nullptr;
    order_.splice(order_.begin(), order_, at->second);
    return &at->second->second;
  }
  void put(std::uint64_t id, std::string value) {
    drop(id);
    if (order_.size() == capacity_) drop(order_.back().first);
    order_.emplace_front(id, std::move(value));
    map_[id] = order_.begin();
  }
  void drop(std::uint64_t id) {
    const auto at = map_.find(id);
    if (at == map_.end()) return;
    order_.erase(at->second);
    map_.erase(at);
  }
  std::size_t size() const { return order_.size(); }

 private:
  using Order = std::list<std::pair<std::uint64_t, std::string>>;
  std::size_t capacity_;
  Order order_;
  std::unordered_map<std::uint64_t, Order::iterator> map_;
};

TEST(LocalCache, AgreesWithAPlainLruOverAMillionRandomSteps) {
  for (const std::size_t capacity : {1U, 2U, 7U, 64U}) {
    LocalCache cache(capacity, 16);
    PlainLru plain(capacity);
    Rng rng(capacity);
    for (int step = 0; step < 250'000; ++step) {
      const std::uint64_t id = rng.below(capacity * 2);
      switch (rng.below(8)) {
        case 0:
          cache.invalidate(id, Cause::server);
          plain.drop(id);
          break;
        case 1:
        case 2:
        case 3: {
          const std::string value = std::to_string(rng.below(1000));
          ASSERT_TRUE(put(cache, id, value));
          plain.put(id, value);
          break;
        }
        default: {
          const std::string* expected = plain.get(id);
          const auto got = cache.get(id, 0, 0);
          ASSERT_EQ(got.has_value(), expected != nullptr);
          if (expected != nullptr) {
            ASSERT_EQ(*got, *expected);
          }
        }
      }
      ASSERT_EQ(cache.size(), plain.size());
    }
  }
}

// A server with one value per key, reads and invalidations that take their time, each in an order
// of its own as over several connections: what the cache serves once all has arrived is the truth.
TEST(LocalCache, NeverKeepsAnOldValueHoweverRepliesAndInvalidationsOvertakeEachOther) {
  constexpr std::uint64_t kIds = 4;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Rng rng(seed);
    LocalCache cache(8, 16);
    std::uint64_t version[kIds] = {};
    struct Arrival {
      bool isReply;
      std::uint64_t id, version;
      LocalCache::Ticket ticket;
    };
    std::multimap<std::uint64_t, Arrival> underWay;  // by time of arrival
    const auto arrive = [&](const Arrival& a) {
      if (a.isReply)
        cache.fill(a.id, {0, a.ticket}, std::to_string(a.version), 0);
      else
        cache.invalidate(a.id, Cause::server);
    };
    for (std::uint64_t now = 0; now < 400; ++now) {
      while (!underWay.empty() && underWay.begin()->first <= now) {
        arrive(underWay.begin()->second);
        underWay.erase(underWay.begin());
      }
      const std::uint64_t id = rng.below(kIds);
      if (rng.below(3) == 0) {
        ++version[id];
        underWay.insert({now + 1 + rng.below(20), {false, id, 0, 0}});
      } else {
        underWay.insert({now + 1 + rng.below(20), {true, id, version[id], cache.ticket()}});
      }
    }
    for (const auto& [at, arrival] : underWay) arrive(arrival);
    for (std::uint64_t id = 0; id < kIds; ++id)
      if (const auto value = cache.get(id, 0, 0)) {
        EXPECT_EQ(*value, std::to_string(version[id])) << "seed " << seed;
      }
  }
}

}  // namespace
}  // namespace redline
