#include "server/postgres_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/owner_name.h"

namespace redline {
namespace {

using testing::HasSubstr;
using testing::Not;

PostgresConfig soundConfig() {
  PostgresConfig config;
  config.dir = "/home/it's/pg";
  config.programs = "/usr/lib/postgresql/15/bin";
  return config;
}

TEST(PostgresConfig, ListensOnItsOwnersSocketAlone) {
  const std::string text = postgresConfigText(soundConfig());
  EXPECT_THAT(text, HasSubstr("\nlisten_addresses = ''\n"));
  EXPECT_THAT(text, HasSubstr("\nunix_socket_directories = '/home/it''s/pg'\n"));
  EXPECT_THAT(text, HasSubstr("\nunix_socket_permissions = 0700\n"));
}

TEST(PostgresConfig, LeavesDurabilityAtItsDefault) {
  const std::string text = postgresConfigText(soundConfig());
  for (const char* const name : {"\nfsync", "\nsynchronous_commit", "\nfull_page_writes"})
    EXPECT_THAT(text, Not(HasSubstr(name)));
}

TEST(PostgresConfig, StatesBuffersInBlocksAndExtrasLast) {
  PostgresConfig config = soundConfig();
  config.sharedBuffers = 64 << 20;
  config.extra = {{"Work_Mem", "8MB"}, {"search_path", "it's"}};
  const std::string text = postgresConfigText(config);
  EXPECT_THAT(text, HasSubstr("\nshared_buffers = 8192\n"));
  EXPECT_TRUE(text.ends_with("\nwork_mem = '8MB'\nsearch_path = 'it''s'\n")) << text;
}

TEST(PostgresConfig, HasNoPasswordInAnyFile) {
  PostgresConfig config = soundConfig();
  config.password = "verysecret";
  EXPECT_THAT(postgresConfigText(config), Not(HasSubstr("verysecret")));
  EXPECT_THAT(postgresAccessText(config), Not(HasSubstr("verysecret")));
  EXPECT_THAT(postgresAccessText(config), HasSubstr("local all all scram-sha-256\n"));
  EXPECT_THAT(postgresAccessText(soundConfig()), HasSubstr("local all all trust\n"));
}

TEST(PostgresConfig, WhoseSocketHasNoRoomIsRefused) {
  PostgresConfig config = soundConfig();
  const std::string socket = "/.s.PGSQL.5432";
  config.dir = "/" + std::string(107 - socket.size() - 1, 'x');
  EXPECT_TRUE(checkPostgresConfig(config));
  config.dir += "x";
  const auto refused = checkPostgresConfig(config);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
  EXPECT_THAT(refused.error().message, HasSubstr("108 bytes"));
}

TEST(PostgresConfig, RefusesWhatTheStackReliesOn) {
  for (const auto& [name, value] :
       {std::pair{"port", "1"}, std::pair{"LISTEN_ADDRESSES", "'*'"}, std::pair{"hba_file", "x"},
        std::pair{"shared_buffers", "1GB"}, std::pair{"include", "/etc/passwd"},
        std::pair{"a b", "1"}, std::pair{"work_mem", "1\nfsync = off"}}) {
    PostgresConfig config = soundConfig();
    config.extra = {{name, value}};
    EXPECT_FALSE(checkPostgresConfig(config)) << name;
  }
  PostgresConfig config = soundConfig();
  config.maxConnections = 4;
  EXPECT_FALSE(checkPostgresConfig(config));
  config = soundConfig();
  config.sharedBuffers = 1;
  EXPECT_FALSE(checkPostgresConfig(config));
}

TEST(PostgresVersion, IsReadFromWhatTheProgramPrints) {
  EXPECT_EQ(parsePostgresVersion("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n"),
            "15.20");
  EXPECT_EQ(parsePostgresVersion("postgres (PostgreSQL) 16beta1\n"), "16");
  EXPECT_EQ(parsePostgresVersion("Redis server v=7.0.15"), "");
}

TEST(PostgresLog, SaysLastWhyItEnded) {
  EXPECT_EQ(
      postgresLastWords("2026-11-29 17:44:34.516 UTC [7] LOG:  starting\n"
                        "2026-11-29 17:44:34.516 UTC [7] FATAL:  could not create lock file "
                        "\"postmaster.pid\": No space left on device\n"
                        "2026-11-29 17:44:34.516 UTC [7] LOG:  database system is shut down\n"),
      "could not create lock file \"postmaster.pid\": No space left on device");
  EXPECT_EQ(
      postgresLastWords("creating directory ... \n"
                        "initdb: error: could not create directory \"/x\": Permission denied\n"
                        "initdb: removing data directory\n"),
      "could not create directory \"/x\": Permission denied");
  EXPECT_EQ(postgresLastWords("something else\n"), "something else");
  EXPECT_EQ(postgresLastWords(""), "");
}

TEST(OwnerName, IsReadAsItWasWritten) {
  ProcessId owner;
  owner.pid = 4711;
  owner.startTicks = 889123;
  EXPECT_EQ(ownerName(owner), "of-4711-889123");
  for (const std::string& name : {ownerName(owner), ownerName(owner) + "-2"}) {
    const auto read = ownerOfName(name);
    ASSERT_TRUE(read) << name;
    EXPECT_EQ(read->pid, 4711);
    EXPECT_EQ(read->startTicks, 889123U);
  }
  for (const char* const name : {"", "of-", "of-x-1", "of-1", "stack-of-1-2"})
    EXPECT_FALSE(ownerOfName(name)) << name;
}

}  // namespace
}  // namespace redline
