#include "pg/pg_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PgAddress, NamesTheSocketOfItsDirectory) {
  PgAddress address;
  address.directory = "/home/x/pg";
  EXPECT_EQ(address.socketPath(), "/home/x/pg/.s.PGSQL.5432");
  EXPECT_EQ(address.text(), "unix:/home/x/pg/.s.PGSQL.5432");
}

TEST(PgAddress, IsReadFromItsTextOrItsDirectory) {
  PgAddress expected;
  expected.directory = "/home/x/pg";
  EXPECT_EQ(parsePgAddress("unix:/home/x/pg/.s.PGSQL.5432").value(), expected);
  EXPECT_EQ(parsePgAddress("/home/x/pg").value(), expected);
  expected.port = 5433;
  EXPECT_EQ(parsePgAddress("unix:/home/x/pg/.s.PGSQL.5433").value(), expected);
}

TEST(PgAddress, OfAnotherKindIsRefused) {
  for (const char* const text :
       {"", "pg", "localhost:5432", "unix:pg/.s.PGSQL.5432", "/x/.s.PGSQL.", "/x/.s.PGSQL.70000"}) {
    const auto address = parsePgAddress(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, ErrorCode::usage);
  }
}

TEST(PgAddress, IsConnectedToWhateverTheEnvironmentSays) {
  PgAddress address;
  address.directory = "/home/o'x\\y";
  const std::string text = connectionText(address, kSecond, "-c lock_timeout=5");
  EXPECT_THAT(text, HasSubstr("host='/home/o\\'x\\\\y' "));
  EXPECT_THAT(text, HasSubstr("password='' "));  // not PGPASSWORD's
  EXPECT_THAT(text, HasSubstr("options='-c lock_timeout=5' "));
  EXPECT_THAT(text, HasSubstr("connect_timeout=2 "));  // the shortest that libpq knows
  EXPECT_THAT(connectionText(address, 3 * kSecond + 1), HasSubstr("connect_timeout=4 "));
}

}  // namespace
}  // namespace redline
