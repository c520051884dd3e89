#include "pg/pg_failure.h"

#include <gtest/gtest.h>

#include <string>

namespace redline {
namespace {

TEST(PgFailure, IsToldByItsState) {
  EXPECT_EQ(storeFailureOf(""), StoreFailure::unreachable);
  EXPECT_EQ(storeFailureOf("57P01"), StoreFailure::unreachable);
  EXPECT_EQ(storeFailureOf("57P03"), StoreFailure::unreachable);
  EXPECT_EQ(storeFailureOf("08006"), StoreFailure::unreachable);
  EXPECT_EQ(storeFailureOf("28P01"), StoreFailure::refused);
  EXPECT_EQ(storeFailureOf("42P01"), StoreFailure::refused);
  EXPECT_EQ(storeFailureOf("53300"), StoreFailure::tooMany);
  EXPECT_EQ(storeFailureOf("53100"), StoreFailure::diskFull);
  EXPECT_EQ(storeFailureOf("55P03"), StoreFailure::locked);
  EXPECT_EQ(storeFailureOf("40P01"), StoreFailure::locked);
  EXPECT_EQ(storeFailureOf("57014"), StoreFailure::locked);
  EXPECT_EQ(storeFailureOf("25006"), StoreFailure::readOnly);
  EXPECT_EQ(storeFailureOf("22012"), StoreFailure::error);
}

// libpq 15's and the server's own words.
TEST(PgFailure, OfAConnectionIsToldByItsWords) {
  EXPECT_EQ(connectFailure("password authentication failed for user \"redline\""),
            StoreFailure::refused);
  EXPECT_EQ(connectFailure("fe_sendauth: no password supplied"), StoreFailure::refused);
  EXPECT_EQ(connectFailure("role \"redline\" does not exist"), StoreFailure::refused);
  EXPECT_EQ(connectFailure("database \"redline\" does not exist"), StoreFailure::refused);
  EXPECT_EQ(connectFailure("sorry, too many clients already"), StoreFailure::tooMany);
  EXPECT_EQ(connectFailure("remaining connection slots are reserved for non-replication superuser "
                           "connections"),
            StoreFailure::tooMany);
  EXPECT_EQ(connectFailure("No such file or directory"), StoreFailure::unreachable);
  EXPECT_EQ(connectFailure("the database system is starting up"), StoreFailure::unreachable);
}

TEST(PgFailure, IsSaidOnOneLineWithoutWhatEverybodyKnows) {
  EXPECT_EQ(plainMessage("connection to server on socket \"/x/.s.PGSQL.5432\" failed: FATAL:  "
                         "sorry, too many clients already\n"),
            "sorry, too many clients already");
  EXPECT_EQ(plainMessage("connection to server on socket \"/x/.s.PGSQL.5432\" failed: No such file "
                         "or directory\n\tIs the server running locally?\n"),
            "No such file or directory");
  EXPECT_EQ(plainMessage("ERROR:  could not extend file \"base/5/1\": No space left on device\n"
                         "HINT:  Check free disk space.\n"),
            "could not extend file \"base/5/1\": No space left on device");
  EXPECT_EQ(plainMessage(""), "");
}

}  // namespace
}  // namespace redline
