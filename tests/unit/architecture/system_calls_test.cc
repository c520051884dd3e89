// Holds every line of src/ against the rule of docs/overview.md: what of the operating system is
// used in which rooms alone.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <istream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/paths.h"

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Rule {
  std::string what;
  std::regex pattern;
  std::vector<std::string> rooms;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {"a program is started",
       std::regex(R"((^|[^\w.>])(v?fork\s*\(\s*\)|(exec[lv]\w*|posix_spawnp?|popen|system)\s*\())"),
       {"os"}},
      {"a process gets a signal",
       std::regex(R"((^|[^\w])::kill\s*\(|pidfd_send_signal)"),
       {"os", "server"}},
      {"epoll or io_uring is used",
       std::regex(R"(\b(epoll|io_uring)_\w+|<(sys/epoll|liburing)\.h>)"),
       {"transport"}},
      // Printing that fails would throw, or end the process (os/console.h).
      {"something is printed",
       std::regex(
           R"(\bfmt::v?print\s*\(|std::c(out|err|log)\b|(^|[^\w.>])(f|v|vf)?printf\s*\(|)"
           R"((^|[^\w.>])(fputs|puts|fputc|putchar|fwrite|perror)\s*\(|STD(OUT|ERR)_FILENO\s*,)"),
       {"os"}},
      {"a connection is opened, or a name looked up,",
       std::regex(
           R"((^|[^\w.>])(::connect|getaddrinfo|gethostbyname\w*)\s*\(|io_uring_prep_connect)"),
       {"transport"}},
  };
  return all;
}

/// One line for each use in `text` that `room` may not have; `file` names it in the message.
std::vector<std::string> misuses(const std::string& room, const std::string& file,
                                 std::istream& text) {
  std::vector<std::string> found;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const std::string code = line.substr(0, line.find("//"));
    for (const Rule& rule : rules())
      if (std::ranges::find(rule.rooms, room) == rule.rooms.end() &&
          std::regex_search(code, rule.pattern))
        found.push_back(
            fmt::format("{}:{}: {} outside of {}", file, number, rule.what, rule.rooms.front()));
  }
  return found;
}

std::vector<std::string> check(const std::string& room, const std::string& text) {
  std::istringstream stream(text);
  return misuses(room, "a.cc", stream);
}

TEST(Rooms, UseTheSystemOnlyWhereTheRuleAllows) {
  const std::filesystem::path source = std::filesystem::path{REDLINE_SOURCE_DIR} / "src";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    const auto relative = std::filesystem::relative(entry.path(), source);
    std::ifstream text(entry.path());
    for (const auto& misuse : misuses(relative.begin()->string(), "src/" + relative.string(), text))
      ADD_FAILURE() << misuse;
  }
}

TEST(SystemRules, NameTheLineOfAProgramStartedOutsideOfOs) {
  EXPECT_THAT(check("report", "int a;\n  pid = ::fork();\n"),
              ElementsAre("a.cc:2: a program is started outside of os"));
  for (const char* const text : {"fork();", "if (execvp(name, args) < 0)", "x = posix_spawn(&pid",
                                 "popen(line, \"r\")", "std::system(line)"})
    EXPECT_THAT(check("server", text), testing::SizeIs(1)) << text;
  EXPECT_THAT(check("os", "::fork(); ::execv(program, args);"), IsEmpty());
}

// In transport, only what the gate has let through can be connected to: a PeerAddress.
TEST(SystemRules, KeepConnectionsToTransportWhereTheGateIs) {
  EXPECT_THAT(check("run", "if (::connect(fd, address, length) != 0)"), testing::SizeIs(1));
  EXPECT_THAT(check("engine", "getaddrinfo(host, port, &hints, &found);"), testing::SizeIs(1));
  EXPECT_THAT(check("run", "auto admin = Admin::connect(endpoint, who);"), IsEmpty());
  EXPECT_THAT(check("transport", "::connect(fd, peer.get(), peer.length());"), IsEmpty());
}

TEST(SystemRules, LetMethodsAndCommentsHaveSuchNames) {
  for (const char* const text :
       {"// fork() copies the page table", "child.fork();", "fork(figure)", "estimateFork(x)",
        "admin->system(x)", "Status kill();", "\"epoll\""})
    EXPECT_THAT(check("server", text), IsEmpty()) << text;
}

TEST(SystemRules, KeepPrintingToTheFunctionsThatCannotFail) {
  for (const char* const text :
       {"fmt::print(\"x\");", "fmt::print(stderr, \"{}\", x);", "std::cout << x;", "printf(x)",
        "std::fprintf(stderr, x)", "fputs(x, stdout)", "::write(STDOUT_FILENO, x, 1)"})
    EXPECT_THAT(check("cmd", text), testing::SizeIs(1)) << text;
  for (const char* const text : {"printOut(\"x\");", "writer.puts(x)", "fmt::format(x)",
                                 "isatty(STDERR_FILENO)", "terminalWidth(STDERR_FILENO) - 2"})
    EXPECT_THAT(check("cmd", text), IsEmpty()) << text;
}

TEST(SystemRules, KeepSignalsToServerAndEpollToTransport) {
  EXPECT_THAT(check("chaos", "::kill(pid, SIGSTOP);"), testing::SizeIs(1));
  EXPECT_THAT(check("server", "::kill(pid, SIGSTOP);"), IsEmpty());
  EXPECT_THAT(check("engine", "::epoll_ctl(fd, EPOLL_CTL_ADD, 1, &event);"), testing::SizeIs(1));
  EXPECT_THAT(check("engine", "#include <liburing.h>"), testing::SizeIs(1));
  EXPECT_THAT(check("transport", "#include <liburing.h>"), IsEmpty());
}

}  // namespace
