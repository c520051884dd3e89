#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "chaos/chaos_plan.h"
#include "chaos/fault.h"

namespace redline {

/// How long before its time a fault is checked again.
inline constexpr Nanos kCheckTime = 400 * kMillisecond;

/// The outcome of a fault. Times are on the context's clock.
struct FaultOutcome {
  bool began = false;
  Nanos begin = 0;
  Nanos end = 0;        ///< the disturbance was over; healing followed
  Nanos healed = 0;     ///< the server serves as before
  Status injectStatus;  ///< why the fault had no effect; Ok also when it never began
  Status healStatus;    ///< why healing or tidying up failed
  FaultFindings findings;

  /// What went wrong, as a line; empty: nothing did.
  std::string problem() const;
};

/// One fault, from preparation to clean-up: once injected it is always healed, by the destructor if
/// need be. Emits an event of kind "fault" when it begins, one when it is over, with its findings,
/// and one ("healed") when healing took a while. One thread at a time.
class FaultBracket {
 public:
  /// `context` must outlive this.
  FaultBracket(const PlannedFault& fault, const FaultContext& context);
  ~FaultBracket();
  FaultBracket(const FaultBracket&) = delete;
  FaultBracket& operator=(const FaultBracket&) = delete;

  /// Checks that it may be injected (unsafe: it would harm a server that is not ours), and prepares
  /// it. On failure what was prepared is taken away again.
  Status prepare();
  /// Checks again, under load; takes less than kCheckTime. On failure it must not be injected.
  Status check();
  /// Injects it, waits until it is over, and heals. After prepare().
  void inject();
  /// Removes what prepare() created. Idempotent.
  void tidy();

  const FaultOutcome& outcome() const { return outcome_; }
  const FaultSpec& spec() const { return *spec_; }

 private:
  Status checkAllowed() const;
  void emit(std::string_view phase, Nanos at, Nanos duration, std::string detail,
            Figures figures) const;
  void heal();

  const FaultSpec* spec_;
  FaultArguments arguments_;
  const FaultContext& context_;
  std::unique_ptr<Fault> fault_;
  FaultOutcome outcome_;
  bool prepared_ = false;  ///< tidy() is due
  bool injured_ = false;   ///< heal() is due
};

}  // namespace redline
