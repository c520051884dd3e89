#include "transport/endpoint.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

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

TEST(ServerAddress, ReadsUrlsAsClientsWriteThem) {
  struct Case {
    const char *text, *endpoint, *user, *password;
    bool tls = false;
  };
  for (const Case& each : std::initializer_list<Case>{
           {"redis://127.0.0.1:7600", "127.0.0.1:7600", "", ""},
           {"redis://127.0.0.1", "127.0.0.1:6379", "", ""},
           {"REDIS://localhost:1/", "localhost:1", "", ""},
           {"redis://lab:pw@127.0.0.1:7600/0", "127.0.0.1:7600", "lab", "pw"},
           {"redis://:p%40ss%3aw%2Frd@[::1]:7600", "[::1]:7600", "", "p@ss:w/rd"},
           {"redis://lab:a@b@[::1]", "[::1]:6379", "lab", "a@b"},
           {"rediss://lab:pw@127.0.0.1:7600", "127.0.0.1:7600", "lab", "pw", true},
           {"127.0.0.1:7600", "127.0.0.1:7600", "", ""},
           {"unix:/run/r.sock", "unix:/run/r.sock", "", ""}}) {
    const auto address = parseServerAddress(each.text);
    ASSERT_TRUE(address) << each.text << address.error().message;
    EXPECT_EQ(address->endpoint.text(), each.endpoint);
    EXPECT_EQ(address->user, each.user);
    EXPECT_EQ(address->password, each.password);
    EXPECT_EQ(address->tls, each.tls);
  }
}

TEST(ServerAddress, RefusesWhatItCannotServeAndRepeatsNoPassword) {
  for (const char* const text :
       {"rediss://lab:secret@127.0.0.1:x", "http://lab:secret@127.0.0.1", "redis://lab:secret@",
        "redis://lab:secret@127.0.0.1:7600/1", "redis://lab:a/secret",
        "redis://lab:secret@127.0.0.1/?timeout=1", "redis://lab:secret@127.0.0.1:x",
        "redis://lab:secret%@127.0.0.1", "redis://lab:secret", "redis://a:%zzsecret@h",
        "lab:secret@127.0.0.1:7600", "secret@h", "redis://lab:secret@:1", "redis://"}) {
    const auto address = parseServerAddress(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::usage) << text;
    EXPECT_EQ(address.error().message.find("secret"), std::string::npos) << address.error().message;
    EXPECT_NE(address.error().message.find(':'), std::string::npos) << "it gives no advice";
  }
}

TEST(WithoutPassword, HidesTheLoginOfAUrlAndNothingElse) {
  EXPECT_EQ(withoutPassword("-addr=redis://lab:secret@127.0.0.1:1/0"),
            "-addr=redis://***@127.0.0.1:1/0");
  EXPECT_EQ(withoutPassword("rediss://:secret@h"), "rediss://***@h");
  EXPECT_EQ(withoutPassword("a=Redis://x:sec@ret@h,redis://y:secret@i b"), "a=Redis://***@i b");
  for (const char* const text : {"", "redis://h:1", "user@h", "-addr=127.0.0.1:1", "a@redis://h"})
    EXPECT_EQ(withoutPassword(text), text);
}

}  // namespace
}  // namespace redline
