#include "support/redline_process.h"
#include "os/files.h"
#include "support/paths.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <string_view>

extern char** environ;

namespace redline::test {
namespace {

using Words = std::vector<std::string>;

std::vector<char*> pointers(Words& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

/// The value of a line of /proc/PID/status; empty when there is none.
std::string statusOf(pid_t pid, std::string_view name) {
  std::istringstream lines(readWholeFile("/proc/" + std::to_string(pid) + "/status").value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(name)) return line.substr(line.find_last_of(" \t") + 1);
  return "";
}

/// Whether it has a handler for the signal. SigCgt is a mask in hexadecimal digits (proc(5)).
bool catches(pid_t pid, int signal) {
  const std::string mask = statusOf(pid, "SigCgt:");
  return !mask.empty() && (std::stoull(mask, nullptr, 16) >> (signal - 1) & 1) != 0;
}

/// Whether it has ended, waited for or not.
bool hasEnded(pid_t pid) {
  const std::string state = statusOf(pid, "State:");
  return state.empty() || state == "(zombie)";
}

}  // namespace

Redline::Redline(const TemporaryDirectory& home, Words args, const Words& settings)
    : out_(home.path() / "out.txt"), err_(home.path() / "err.txt"), command_(args.at(0)) {
  args.insert(args.begin(), REDLINE_BINARY_DIR "/redline");
  Words environment = settings;
  // What it remembers of this machine stays with the test; a home that is given comes first.
  const auto isHome = [](const std::string& setting) { return setting.find("HOME=") < 9; };
  if (std::ranges::none_of(settings, isHome))
    environment.push_back("REDLINE_HOME=" + (home.path() / "state").string());
  const auto isPriority = [](const std::string& s) { return s.starts_with("REDLINE_PRIORITY="); };
  if (std::ranges::none_of(settings, isPriority))
    environment.emplace_back("REDLINE_PRIORITY=false");
  for (char** each = environ; *each != nullptr; ++each)
    if (!std::string(*each).starts_with("REDLINE_")) environment.emplace_back(*each);
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  constexpr int kMode = O_WRONLY | O_CREAT | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), kMode, 0600);
  ::posix_spawn_file_actions_addopen(&files, 2, err_.c_str(), kMode, 0600);
  EXPECT_EQ(::posix_spawn(&pid_, args[0].c_str(), &files, nullptr, pointers(args).data(),
                          pointers(environment).data()),
            0);
  ::posix_spawn_file_actions_destroy(&files);
}

Redline::~Redline() {
  if (pid_ > 0) kill();
}

void Redline::interrupt() const {
  // On a busy machine it may not have begun to catch it yet, and would be ended by it.
  (void)eventually([&] { return catches(pid_, SIGINT) || hasEnded(pid_); });
  ::kill(pid_, SIGINT);
}

void Redline::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

int Redline::wait() {
  int status = 0;
  if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, 90 * kSecond)) {
    ADD_FAILURE() << "redline does not end: " << err();
    return -1;
  }
  pid_ = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string Redline::out() const {
  return readWholeFile(out_).value_or("");
}
std::string Redline::err() const {
  return readWholeFile(err_).value_or("");
}

std::string Redline::error() const {
  std::istringstream lines(err());
  std::string line, found;
  int count = 0;
  while (std::getline(lines, line))
    if (line.starts_with("redline")) found = line, ++count;
  EXPECT_EQ(count, 1) << err();
  EXPECT_TRUE(found.starts_with("redline " + command_ + ": ")) << found;
  return found;
}

}  // namespace redline::test
