#include "server/own_servers.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/tcp_listener.h"

namespace redline {
namespace {

OwnServer serverOn(const Endpoint& endpoint, const ProcessId& process) {
  OwnServer server;
  server.tcp = endpoint;
  server.process = process;
  server.current = [process] { return Result<ProcessId>(process); };
  return server;
}

TEST(OwnServers, ThatAreDeadAreNotFoundWhereAnotherProcessHasTheirPort) {
  const ProcessId self = identify(::getpid()).value();
  ProcessId dead = self;
  --dead.startTicks;
  Endpoint port;
  {
    const TcpListener other;
    port = other.endpoint();
    const std::vector gone{serverOn(port, dead)}, alive{serverOn(port, self)};
    EXPECT_EQ(findOwn(gone, port), nullptr);
    EXPECT_TRUE(isTakenOver(gone, port));
    EXPECT_EQ(findOwn(alive, port), alive.data());
    EXPECT_FALSE(isTakenOver(alive, port));
  }
  const std::vector gone{serverOn(port, dead)};
  EXPECT_EQ(findOwn(gone, port), gone.data()) << "nothing listens there";
  EXPECT_FALSE(isTakenOver(gone, port));
}

}  // namespace
}  // namespace redline
