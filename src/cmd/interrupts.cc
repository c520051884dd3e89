#include "cmd/interrupts.h"

#include <signal.h>

#include <array>
#include <atomic>

namespace redline {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
std::atomic<bool> gReceived{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

void note(int) {
  gReceived.store(true);
}

/// Under nohup a terminal that goes away is none of the program's business.
bool hangUpsAreIgnored() {
  struct sigaction now{};
  return ::sigaction(SIGHUP, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

void handleAll(const struct sigaction& action) {
  for (const int number : kSignals)
    if (number != SIGHUP || !hangUpsAreIgnored()) ::sigaction(number, &action, nullptr);
}

}  // namespace

Interrupts::Interrupts() {
  gReceived.store(false);
  struct sigaction action{};
  action.sa_handler = note;
  // The default action returns after the first signal: a second one ends a program that hangs.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  handleAll(action);
  // A terminal that closes may say so twice: through the shell and by itself.
  action.sa_flags = 0;
  if (!hangUpsAreIgnored()) ::sigaction(SIGHUP, &action, nullptr);
}

Interrupts::~Interrupts() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  handleAll(action);
}

bool Interrupts::received() const noexcept {
  return gReceived.load();
}

}  // namespace redline
