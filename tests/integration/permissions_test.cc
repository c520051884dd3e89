// What a user must be allowed for faults: docs/permissions.md is read, and each line of it is done
// by a user who is allowed that and no more.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "base/text.h"
#include "server/stack.h"
#include "support/paths.h"
#include "support/redline_process.h"

namespace redline::permissions_test {
namespace {

constexpr std::uint64_t kMemory = 128ULL << 20;

/// "| `bgsave` | `+info …` |": a fault with its flags, and the rules of ACL SETUSER for it.
struct Allowed {
  std::string fault;
  std::vector<std::string> flags, rules;
};

std::vector<std::string> wordsOf(const std::string& text) {
  std::vector<std::string> words;
  for (const std::string_view word : splitWords(text)) words.emplace_back(word);
  return words;
}

/// The rows of the table below the heading.
std::vector<Allowed> tableUnder(const std::string& heading) {
  std::ifstream file(REDLINE_SOURCE_DIR "/docs/permissions.md");
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = text.find("## " + heading + "\n");
  if (begin == std::string::npos) return {};
  text = text.substr(begin, text.find("\n## ", begin + 1) - begin);
  replaceAll(text, "\\|", "|");
  std::vector<Allowed> rows;
  const std::regex row(R"(\n\| `([a-z-]+)((?: [^`]+)?)` \| (?:`([^`]*)`|nothing) \|)");
  for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
    rows.push_back({(*at)[1], wordsOf((*at)[2]), wordsOf((*at)[3])});
  return rows;
}

/// A stack, and a user of it whose permissions change.
class Permissions {
 public:
  explicit Permissions(const std::string& topology) : stack_(home_.path()), name_(topology) {
    StackOptions options;
    options.topology = topology;
    options.node.port = 0;
    options.node.maxmemory = kMemory;
    options.node.extra = {{"cluster-node-timeout", "1000"}};
    auto up = stack_.up(options);
    EXPECT_TRUE(up) << up.error().message;
    if (up) state_ = up->state;
  }
  ~Permissions() { EXPECT_TRUE(stack_.down(name_, {})); }
  Permissions(const Permissions&) = delete;
  Permissions& operator=(const Permissions&) = delete;

  bool isUp() const { return !state_.nodes.empty(); }

  /// The fault as that user, who is allowed this alone; why it failed, or nothing.
  std::string inject(const Allowed& what, const std::vector<std::string>& rules) {
    std::vector<std::string> set{"ACL", "SETUSER", "lab", "reset", "on", ">secret"};
    set.insert(set.end(), rules.begin(), rules.end());
    for (const NodeState& node : state_.nodes) {
      auto admin = Admin::connect(node.endpoint(), {});
      EXPECT_TRUE(admin) << admin.error().message;
      if (admin) EXPECT_TRUE(admin->command(set));
      if (admin && !state_.isCluster()) EXPECT_TRUE(admin->command({"FLUSHALL"}));
    }
    std::vector<std::string> words{"chaos", "-action=" + what.fault, "-user=lab",
                                   "-addr=" + state_.nodes.at(0).endpoint().text()};
    words.insert(words.end(), what.flags.begin(), what.flags.end());
    if (what.fault == "reshard")
      words.push_back("-target=" + state_.nodes.at(1).endpoint().text());
    test::Redline chaos(home_, words, {"REDLINE_HOME=" + home_.path().string(),
                                       "REDLINE_PASSWORD=secret"});
    return chaos.wait() == 0 ? "" : "exit: " + chaos.err();
  }

 private:
  test::TemporaryDirectory home_;
  Stack stack_;
  std::string name_;
  StackState state_;
};

std::string textOf(const Allowed& row) {
  return fmt::format("{} {}: {}", row.fault, fmt::join(row.flags, " "), fmt::join(row.rules, " "));
}

TEST(ChaosPermissions, OfAServerAreTheLeastThatWork) {
  const auto rows = tableUnder("chaos: a server");
  ASSERT_GE(rows.size(), 8U);
  Permissions server("node");
  ASSERT_TRUE(server.isUp());
  for (const Allowed& row : rows) {
    SCOPED_TRACE(textOf(row));
    EXPECT_EQ(server.inject(row, row.rules), "");
    for (std::size_t without = 0; without < row.rules.size(); ++without) {
      auto rules = row.rules;
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(without));
      EXPECT_NE(server.inject(row, rules), "") << "without " << row.rules[without];
    }
  }
}

TEST(ChaosPermissions, OfAClusterAreEnough) {
  const auto rows = tableUnder("chaos: a cluster");
  ASSERT_GE(rows.size(), 2U);
  Permissions cluster("cluster");
  ASSERT_TRUE(cluster.isUp());
  for (const Allowed& row : rows) {
    SCOPED_TRACE(textOf(row));
    EXPECT_EQ(cluster.inject(row, row.rules), "");
  }
}

}  // namespace
}  // namespace redline::permissions_test
