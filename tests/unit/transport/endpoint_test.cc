#include "transport/endpoint.h"

#include <gtest/gtest.h>

namespace redline {
namespace {

TEST(Endpoint, ReadsTheFormsThatItWrites) {
  for (const char* text : {"127.0.0.1:7600", "localhost:1", "[::1]:65535", "unix:/run/r.sock"}) {
    const auto endpoint = parseEndpoint(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
}

TEST(Endpoint, KeepsHostAndPortApart) {
  const auto v6 = parseEndpoint("[fe80::1]:7600");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "fe80::1");
  EXPECT_EQ(v6->port, 7600);
  EXPECT_FALSE(v6->isUnix());
}

TEST(Endpoint, RefusesWhatIsNoAddressAndNamesIt) {
  for (const char* text :
       {"", "localhost", ":7600", "host:", "host:0", "host:65536", "host:12x", "host:-1",
        "::1:7600", "[::1:7600", "[]:7600", "unix:", "a b:1", "redis://h:1"}) {
    const auto endpoint = parseEndpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().code, ErrorCode::usage);
    EXPECT_NE(endpoint.error().message.find(text), std::string::npos);
  }
  EXPECT_FALSE(parseEndpoint("unix:/" + std::string(120, 'x')));
}

}  // namespace
}  // namespace redline
