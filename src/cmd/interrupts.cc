#include "cmd/interrupts.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/clock.h"

namespace redline {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};
constexpr Nanos kSameSignal = kSecond;  ///< two of a kind within this are one
std::atomic<bool> gReceived{false};
std::array<std::atomic<Nanos>, kSignals.size()> gFirst{};  ///< by signal; 0: none yet
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<Nanos>::is_always_lock_free,
              "used in a signal handler");

// The second one ends a program that hangs. A terminal that closes may say so twice, later too:
// through the shell and by itself.
void note(int number) {
  gReceived.store(true);
  std::atomic<Nanos>& first =
      gFirst[static_cast<std::size_t>(std::ranges::find(kSignals, number) - kSignals.begin())];
  const Nanos now = SteadyClock::read();
  Nanos never = 0;
  if (first.compare_exchange_strong(never, now) || number == SIGHUP || now - never < kSameSignal)
    return;
  ::signal(number, SIG_DFL);
  ::raise(number);
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
  for (auto& first : gFirst) first.store(0);
  struct sigaction action{};
  action.sa_handler = note;
  handleAll(action);
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
