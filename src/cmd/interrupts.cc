#include "cmd/interrupts.h"

#include <signal.h>

#include <array>
#include <atomic>

namespace redline {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
std::atomic<bool> gReceived{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

void note(int) {
  gReceived.store(true);
}

}  // namespace

Interrupts::Interrupts() {
  gReceived.store(false);
  struct sigaction action{};
  action.sa_handler = note;
  // The default action returns after the first signal: a second one ends a program that hangs.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
}

Interrupts::~Interrupts() {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  for (const int number : kSignals) ::sigaction(number, &action, nullptr);
}

bool Interrupts::received() const noexcept {
  return gReceived.load();
}

}  // namespace redline
