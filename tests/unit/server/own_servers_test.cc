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

TEST(OwnServers, ThatAreDeadMayHaveTheirPortTakenOver) {
  const ProcessId self = identify(::getpid()).value();
  ProcessId dead = self;
  --dead.startTicks;
  Endpoint port;
  {
    const TcpListener other;
    port = other.endpoint();
    EXPECT_NE(findOwn(std::vector{serverOn(port, dead)}, port), nullptr) << "by its port";
    EXPECT_TRUE(isTakenOver(serverOn(port, dead)));
    EXPECT_FALSE(isTakenOver(serverOn(port, self)));
  }
  EXPECT_FALSE(isTakenOver(serverOn(port, dead))) << "nothing listens there";
}

}  // namespace
}  // namespace redline
