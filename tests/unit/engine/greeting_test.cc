#include "engine/greeting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ReplyView error(std::string_view text) {
  return {ReplyType::error, false, text, 0, text.size() + 3};
}

TEST(Greeting, IsAPingWhereNothingElseIsNeededSoThatTheServerHasAnswered) {
  const GreetingScript script({}, {});
  EXPECT_EQ(script.bytes(), "*1\r\n$4\r\nPING\r\n");
  EXPECT_EQ(script.replies(), 1U);
  // A server that loads, or a user without PING: operations say more.
  EXPECT_TRUE(script.judge(0, error("LOADING Redis is loading the dataset in memory"), "h:1"));
  EXPECT_TRUE(script.judge(0, error("NOPERM no permissions to run the 'ping' command"), "h:1"));
  EXPECT_FALSE(script.judge(0, error("NOAUTH Authentication required."), "h:1"));
}

TEST(Greeting, KnowsTheWordsOfAServerThatIsFull) {
  EXPECT_TRUE(saysTooManyClients(error("ERR max number of clients reached")));
  EXPECT_TRUE(saysTooManyClients(error("ERR max number of clients + cluster connections reached")));
  EXPECT_FALSE(saysTooManyClients(error("ERR unknown command")));
  EXPECT_FALSE(saysTooManyClients({ReplyType::simple, false, "ERR max number of clients", 0, 28}));
}

TEST(Greeting, LogsInWithAuthAloneUnderResp2) {
  const GreetingScript script({}, {"", "secret"});
  EXPECT_EQ(script.bytes(), "*3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsecret\r\n");
  EXPECT_EQ(script.replies(), 1U);
}

TEST(Greeting, TrackingBringsHello3AndTheLoginWithIt) {
  const GreetingScript script({false, Tracking::keysRead}, {"me", "secret"});
  EXPECT_EQ(script.bytes(),
            "*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$6\r\nsecret\r\n"
            "*3\r\n$6\r\nCLIENT\r\n$8\r\nTRACKING\r\n$2\r\nON\r\n");
  EXPECT_EQ(script.replies(), 2U);
}

TEST(Greeting, ABroadcastSubscriberNamesThePrefix) {
  const GreetingScript script({false, Tracking::prefix}, {});
  EXPECT_THAT(script.bytes(), HasSubstr("$5\r\nBCAST\r\n$6\r\nPREFIX\r\n$4\r\nobj:\r\n"));
  EXPECT_THAT(script.bytes(), Not(HasSubstr("AUTH")));
}

TEST(Greeting, AReplicaIsToldReadOnly) {
  EXPECT_EQ(GreetingScript({true, Tracking::off}, {}).bytes(), "*1\r\n$8\r\nREADONLY\r\n");
}

TEST(Greeting, AServerWithoutAPasswordLetsUsInWithOne) {
  const GreetingScript script({}, {"", "secret"});
  EXPECT_TRUE(script.judge(
      0, error("ERR AUTH <password> called without any password configured for the default user"),
      "h:1"));
}

TEST(Greeting, ARefusalSaysWhatToDo) {
  const GreetingScript all({true, Tracking::keysRead}, {"", "secret"});
  EXPECT_TRUE(all.judge(0, {ReplyType::map, false, {}, 7, 100}, "h:1"));
  const auto why = [&](unsigned number, std::string_view text) {
    return all.judge(number, error(text), "h:1").error().message;
  };
  EXPECT_THAT(why(0, "WRONGPASS invalid"), HasSubstr("REDLINE_PASSWORD"));
  EXPECT_THAT(why(0, "NOPROTO unsupported"), HasSubstr("HELLO 3"));
  EXPECT_THAT(why(1, "ERR unknown"), HasSubstr("CLIENT TRACKING"));
  EXPECT_THAT(why(2, "ERR This instance has cluster support disabled"), HasSubstr("cluster"));
}

}  // namespace
}  // namespace redline
