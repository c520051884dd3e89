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
/// Of "secret".
constexpr std::string_view kHash =
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

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

/// A stack, and its user "lab".
class Permissions {
 public:
  /// The user is in redis.conf, with these rules: it is there after a restart too.
  Permissions(const std::string& topology, const std::vector<std::string>& rules)
      : stack_(home_.path()), name_(topology) {
    StackOptions options;
    options.topology = topology;
    options.node.port = 0;
    options.node.maxmemory = kMemory;
    options.node.extra = {{"user", fmt::format("lab on #{} {}", kHash, fmt::join(rules, " "))}};
    if (topology == "cluster") options.node.extra.emplace_back("cluster-node-timeout", "1000");
    auto up = stack_.up(options);
    EXPECT_TRUE(up) << up.error().message;
    if (up) state_ = up->state;
  }
  ~Permissions() { EXPECT_TRUE(stack_.down(name_, {})); }
  Permissions(const Permissions&) = delete;
  Permissions& operator=(const Permissions&) = delete;

  bool isUp() const { return !state_.nodes.empty(); }
  std::string addrOf(std::size_t node) const { return state_.nodes.at(node).endpoint().text(); }

  /// An empty server whose user is allowed this alone.
  void allow(const std::vector<std::string>& rules) {
    auto admin = Admin::connect(state_.nodes.at(0).endpoint(), {});
    ASSERT_TRUE(admin) << admin.error().message;
    std::vector<std::string> set{"ACL", "SETUSER", "lab", "reset", "on", ">secret"};
    set.insert(set.end(), rules.begin(), rules.end());
    ASSERT_TRUE(admin->command(set));
    ASSERT_TRUE(admin->command({"FLUSHALL"}));
  }

  /// Why it failed, or nothing.
  std::string run(std::vector<std::string> words, std::vector<std::string> settings = {}) {
    words.push_back("-addr=" + addrOf(0));
    settings.push_back("REDLINE_HOME=" + home_.path().string());
    test::Redline program(home_, words, settings);
    return program.wait() == 0 ? "" : "failed: " + program.err();
  }
  /// The fault as that user.
  std::string inject(const Allowed& what) {
    std::vector<std::string> words{"chaos", "-action=" + what.fault, "-user=lab"};
    words.insert(words.end(), what.flags.begin(), what.flags.end());
    if (what.fault == "reshard") words.push_back("-target=" + addrOf(1));
    return run(std::move(words), {"REDLINE_PASSWORD=secret"});
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
  Permissions server("node", {});
  ASSERT_TRUE(server.isUp());
  for (const Allowed& row : rows) {
    SCOPED_TRACE(textOf(row));
    server.allow(row.rules);
    EXPECT_EQ(server.inject(row), "");
    for (std::size_t without = 0; without < row.rules.size(); ++without) {
      auto rules = row.rules;
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(without));
      server.allow(rules);
      EXPECT_NE(server.inject(row), "") << "without " << row.rules[without];
    }
  }
}

TEST(ChaosPermissions, OfAClusterAreEnough) {
  const auto rows = tableUnder("chaos: a cluster");
  ASSERT_GE(rows.size(), 1U);
  for (const Allowed& row : rows) {
    SCOPED_TRACE(textOf(row));
    Permissions cluster("cluster", row.rules);
    ASSERT_TRUE(cluster.isUp());
    EXPECT_EQ(cluster.run({"loader", "-keys=10k", "-ttl-frac=0"}), "");
    EXPECT_EQ(cluster.inject(row), "");
  }
}

}  // namespace
}  // namespace redline::permissions_test
