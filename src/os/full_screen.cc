#include "os/full_screen.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "os/child.h"
#include "os/console.h"

namespace redline {
namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr char kRestored = 'r';

/// File numbers of the guard.
constexpr int kOrdersFd = 3, kKeysFd = 4, kScreenFd = 5;

/// As the terminal was; the guard has a copy from its fork.
termios gBefore{};

/// The guard's life: waits until this process has restored the terminal, or has died. Async-signal-
/// safe calls only.
void guardTerminal(int hasKeys) {
  outliveSignals("redline-guard");
  ::signal(SIGTTOU, SIG_IGN);
  char order = 0;
  ssize_t got = 0;
  do got = ::read(kOrdersFd, &order, 1);
  while (got < 0 && errno == EINTR);
  if (got == 1) return;
  if (hasKeys != 0) ::tcsetattr(kKeysFd, TCSANOW, &gBefore);
  [[maybe_unused]] const ssize_t put = ::write(kScreenFd, kLeave.data(), kLeave.size());
}

/// Keys one by one and not shown; Ctrl-C is still a signal, Ctrl-Z is nothing.
void takeKeys() {
  termios raw = gBefore;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  raw.c_cc[VSUSP] = _POSIX_VDISABLE;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

}  // namespace

bool FullScreen::isPossible() {
  const char* const terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 &&
         (terminal == nullptr || std::string_view(terminal) != "dumb");
}

Result<FullScreen> FullScreen::open() {
  const bool hasKeys = isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &gBefore) == 0;
  auto orders = socketPair();
  if (!orders) return fail(std::move(orders.error()));
  const std::array descriptors{orders->first.get(), STDIN_FILENO, STDOUT_FILENO};
  const auto guard = forkHelper(descriptors, guardTerminal, hasKeys ? 1 : 0);
  if (!guard) return fail(guard.error());
  if (hasKeys) takeKeys();
  writeOut(kEnter);
  return FullScreen(std::move(orders->second), *guard, hasKeys);
}

FullScreen::FullScreen(FullScreen&& other) noexcept
    : orders_(std::move(other.orders_)),
      guard_(std::exchange(other.guard_, -1)),
      hasKeys_(other.hasKeys_) {}

FullScreen::~FullScreen() {
  if (guard_ < 0) return;
  if (hasKeys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &gBefore);
  writeOut(kLeave);
  [[maybe_unused]] const ssize_t told = ::send(orders_.get(), &kRestored, 1, MSG_NOSIGNAL);
  orders_.reset();
  reapChild(guard_);
}

FullScreen::Size FullScreen::size() const {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0)
    return {};
  return {window.ws_col, window.ws_row};
}

void FullScreen::draw(std::span<const std::string> lines) const {
  const std::size_t rows = size().rows;
  std::string text = "\x1b[H";
  for (std::size_t i = 0; i < std::min(rows, lines.size()); ++i) {
    if (i != 0) text += "\r\n";
    text += lines[i] + "\x1b[K";
  }
  writeOut(text + "\x1b[J");
}

std::optional<char> FullScreen::key(Nanos timeout) const {
  pollfd waiting{hasKeys_ ? STDIN_FILENO : -1, POLLIN, 0};
  const timespec wait{static_cast<time_t>(timeout / kSecond), static_cast<long>(timeout % kSecond)};
  if (::ppoll(&waiting, 1, &wait, nullptr) != 1) return std::nullopt;
  char key = 0;
  if (::read(STDIN_FILENO, &key, 1) != 1) return std::nullopt;
  return key;
}

}  // namespace redline
