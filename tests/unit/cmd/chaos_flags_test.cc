#include "cmd/chaos_flags.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

Event faultEvent(std::string name, std::string phase, Nanos duration = 0) {
  Event event;
  event.kind = "fault";
  event.name = std::move(name);
  event.phase = std::move(phase);
  event.node = "127.0.0.1:7600";
  event.duration = duration;
  return event;
}

TEST(FaultLine, HasTheTimeAtWhichItsEventWasOver) {
  constexpr Nanos kAt = 29 * kSecond;
  EXPECT_EQ(faultLine(faultEvent("bgsave", "begin"), kAt),
            "   29.0s bgsave begin on 127.0.0.1:7600");
  EXPECT_EQ(faultLine(faultEvent("bgsave", "end", 2 * kSecond), kAt),
            "   29.0s bgsave end on 127.0.0.1:7600 after 2 s");
  EXPECT_EQ(faultLine(faultEvent("suspected", "point"), kAt),
            "   29.0s suspected on 127.0.0.1:7600");
  EXPECT_EQ(faultLine(faultEvent("large-key", "point", 5 * kSecond), kAt),
            "   34.0s large-key on 127.0.0.1:7600 after 5 s");
}

}  // namespace
}  // namespace redline
