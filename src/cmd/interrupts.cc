#include "cmd/interrupts.h"

#include <signal.h>

#include <array>
#include <atomic>

namespace redline {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
std::atomic<bool> gCame{false};
static_assert(std::atomic<bool>::is_always_lock_free, "used in a signal handler");

void note(int) {
  gCame.store(true);
}

}  // namespace

Interrupts::Interrupts() {
  gCame.store(false);
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

bool Interrupts::came() const noexcept {
  return gCame.load();
}

}  // namespace redline
