// Where a PostgreSQL of redline's may be, and what it must not be taken for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "os/gated_child.h"
#include "server/postgres_server.h"
#include "support/temporary_directory.h"

namespace redline {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;

/// A process that is called postgres and works in a directory, which is not redline's.
class PostgresPlace : public testing::Test {
 protected:
  void SetUp() override {
    const auto sleep = findProgram("sleep");
    ASSERT_TRUE(sleep);
    fs::create_symlink(*sleep, place_.path() / "postgres");
    fs::create_directory(cluster_);
    auto child = GatedChild::spawn(
        {{(place_.path() / "postgres").string(), "60"}, cluster_, -1, -1, -1, true});
    ASSERT_TRUE(child) << child.error().message;
    ASSERT_TRUE(child->release());
    process_ = identify(child->pid()).value();
  }
  void TearDown() override { EXPECT_THAT(killPostgresIn(cluster_), ElementsAre(process_.pid)); }

  TemporaryDirectory place_;
  const fs::path cluster_ = place_.path() / "cluster";
  ProcessId process_;
};

TEST_F(PostgresPlace, BehindALinkIsAnothers) {
  const fs::path link = place_.path() / "redline-pg-stack-lab-5e0c12a9";
  fs::create_symlink(cluster_, link);
  EXPECT_FALSE(mayBeOwnPostgres(link));
  EXPECT_THAT(killPostgresIn(link), IsEmpty());
  EXPECT_THAT(endPostgresIn(link), IsEmpty());
  EXPECT_TRUE(isAlive(process_));
  EXPECT_TRUE(mayBeOwnPostgres(cluster_));
  EXPECT_TRUE(mayBeOwnPostgres(place_.path() / "deleted"));
}

TEST_F(PostgresPlace, OfADeadProcessIsNotClearedBehindALink) {
  const fs::path link = "/var/tmp/redline-pg-of-2147483646-1-" + std::to_string(::getpid());
  std::error_code problem;
  fs::create_symlink(cluster_, link, problem);
  ASSERT_FALSE(problem) << problem.message();
  clearLeftPostgres();
  EXPECT_TRUE(isAlive(process_));
  EXPECT_TRUE(fs::remove(link, problem));
}

TEST_F(PostgresPlace, InWhichAnybodyMayMakeFilesIsOfItsUser) {
  const fs::path made = "/var/tmp/redline-pg-stack-test-" + std::to_string(::getpid());
  ASSERT_TRUE(fs::create_directory(made));
  EXPECT_TRUE(mayBeOwnPostgres(made));
  constexpr uid_t kStranger = 54'321;
  if (::geteuid() == 0 && ::chown(made.c_str(), kStranger, kStranger) == 0) {
    EXPECT_FALSE(mayBeOwnPostgres(made));
  }
  fs::remove(made);
}

}  // namespace
}  // namespace redline
