#include "server/free_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>

namespace redline {
namespace {

/// More than a block has, so that several are taken.
constexpr std::size_t kDrawn = 120;
using Ports = std::array<std::uint16_t, kDrawn>;

Ports draw() {
  Ports ports{};
  for (std::uint16_t& port : ports) port = freePort().value_or(0);
  return ports;
}

TEST(FreePort, IsNeverGivenToTwoProcessesThatLive) {
  int drawn[2], go[2];
  ASSERT_EQ(::pipe(drawn) + ::pipe(go), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const Ports ports = draw();
    char byte = 0;
    const bool told = ::write(drawn[1], ports.data(), sizeof ports) == sizeof ports;
    (void)!::read(go[0], &byte, 1);
    ::_exit(told ? 0 : 1);
  }
  Ports theirs{};
  ASSERT_EQ(::read(drawn[0], theirs.data(), sizeof theirs), static_cast<ssize_t>(sizeof theirs));
  const Ports ours = draw();
  ASSERT_EQ(::write(go[1], "x", 1), 1);
  int status = 0;
  ASSERT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  for (const int fd : {drawn[0], drawn[1], go[0], go[1]}) ::close(fd);
  const std::set<std::uint16_t> taken(theirs.begin(), theirs.end());
  for (const std::uint16_t port : ours) {
    EXPECT_NE(port, 0);
    EXPECT_FALSE(taken.contains(port)) << port;
  }
}

TEST(FreePort, GivesAsManyAsAreAskedForAllDifferent) {
  const auto ports = freePorts(30);
  ASSERT_TRUE(ports) << ports.error().message;
  EXPECT_EQ(std::set<std::uint16_t>(ports->begin(), ports->end()).size(), 30U);
}

}  // namespace
}  // namespace redline
