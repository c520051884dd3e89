#include "support/pseudo_terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include <optional>

#include "os/child.h"
#include "support/paths.h"

namespace redline::test {

OnTerminal::OnTerminal(const TemporaryDirectory& home, std::vector<std::string> args) {
  winsize size{24, 100, 0, 0};
  if (::openpty(&terminal_, &held_, nullptr, nullptr, &size) != 0) {
    ADD_FAILURE() << "no pseudo-terminal";
    return;
  }
  args.insert(args.begin(), std::string(REDLINE_BINARY_DIR) + "/redline");
  std::vector<char*> argv;
  for (std::string& word : args) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::string state = home.path().string();
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::close(terminal_);
  ::login_tty(held_);
  ::setenv("REDLINE_HOME", state.c_str(), 1);
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("NO_COLOR");
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

OnTerminal::~OnTerminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    reapChild(pid_);
  }
  ::close(terminal_);
  ::close(held_);
}

void OnTerminal::type(const std::string& keys) const {
  EXPECT_EQ(::write(terminal_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

void OnTerminal::resize(unsigned short rows, unsigned short columns) const {
  const winsize size{rows, columns, 0, 0};
  EXPECT_EQ(::ioctl(terminal_, TIOCSWINSZ, &size), 0);
}

void OnTerminal::signal(int number) const {
  ::kill(pid_, number);
}

void OnTerminal::drain(Nanos wait) {
  char buffer[4096];
  pollfd waiting{terminal_, POLLIN, 0};
  while (::poll(&waiting, 1, static_cast<int>(wait / kMillisecond)) == 1) {
    const ssize_t got = ::read(terminal_, buffer, sizeof buffer);
    if (got <= 0) return;
    output_.append(buffer, static_cast<std::size_t>(got));
  }
}

std::string OnTerminal::awaitText(const std::string& text) {
  const bool came = eventually(
      [&] {
        drain(10 * kMillisecond);
        return output_.find(text) != std::string::npos;
      },
      30 * kSecond);
  EXPECT_TRUE(came) << text << " is not in\n" << output_;
  return output_;
}

std::string OnTerminal::output() {
  drain(100 * kMillisecond);
  return output_;
}

int OnTerminal::wait() {
  std::optional<int> status;
  const bool ended = eventually(
      [&] {
        drain(0);  // it must not wait for a reader
        status = awaitChild(pid_, 50 * kMillisecond);
        return status.has_value();
      },
      30 * kSecond);
  if (!ended) return -1;
  pid_ = -1;
  return WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
}

bool OnTerminal::isPlain() const {
  termios now{};
  if (::tcgetattr(terminal_, &now) != 0) return false;
  return (now.c_lflag & ECHO) != 0 && (now.c_lflag & ICANON) != 0;
}

}  // namespace redline::test
