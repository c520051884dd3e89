#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "chaos/arguments.h"
#include "record/event.h"
#include "server/admin.h"
#include "server/own_servers.h"

namespace redline {

/// A fault's surroundings: servers, clock and callbacks. Shared by the faults of a run: the
/// functions may be called from several threads.
struct FaultContext {
  std::vector<Endpoint> servers;  ///< as -addr names them; never empty
  Credentials credentials;
  std::vector<OwnServer> own;    ///< the servers that may be harmed
  bool force = false;            ///< do what a check would refuse
  const Clock* clock = nullptr;  ///< the run's
  // Never empty.
  std::function<void(const Event&)> sink = [](const Event&) {};
  std::function<bool()> interrupted = [] { return false; };  ///< true: end soon
  /// A line for people, while one waits.
  std::function<void(const std::string&)> progress = [](const std::string&) {};
};

/// The findings of a fault.
struct FaultFindings {
  std::string node;    ///< the server that it was done to
  std::string detail;  ///< a sentence with its figures
  Figures figures;
};

/// One bracketed disturbance of a stack. FaultBracket calls, in this order and each at most once,
///
///   prepare()   before the load: checks, and makes what must not be made under it
///   check()     under the load, a moment before inject(): may it be done now?
///   inject()    does it, verifies its effect, and waits until it is over
///   heal()      always after inject(), whatever its result: the server serves as before
///   tidy()      always after prepare(), when the load is over: removes what prepare() created
///
/// None may wait without an end, and a long wait looks at interrupted() at least ten times a
/// second. The first three fail with one line that says why the fault has no effect. A fault that
/// must be healed even if this process is killed sees to that before it injects (see PauseNode).
class Fault {
 public:
  virtual ~Fault() = default;
  virtual Status prepare() { return {}; }
  virtual Status check() { return {}; }
  virtual Status inject() = 0;
  virtual Status heal() { return {}; }
  virtual Status tidy() { return {}; }
  /// Complete after inject(); `node` is known after prepare().
  const FaultFindings& findings() const { return findings_; }

 protected:
  explicit Fault(const FaultContext& context) : context_(context) {}

  /// False when interrupted() before `span` was over.
  bool sleep(Nanos span) const;
  Nanos now() const { return context_.clock->now(); }
  void progress(const std::string& line) const;
  /// Something that happened at the moment `at`, as an event of phase "point".
  void point(std::string_view name, std::string detail, Nanos at, Figures figures = {}) const {
    tell(name, std::move(detail), at, 0, std::move(figures));
  }
  /// The same of something that took until now.
  void pointSince(std::string_view name, std::string detail, Nanos duration,
                  Figures figures = {}) const {
    tell(name, std::move(detail), now() - duration, duration, std::move(figures));
  }

  const FaultContext& context_;
  FaultFindings findings_;

 private:
  void tell(std::string_view name, std::string detail, Nanos at, Nanos duration,
            Figures figures) const;
};

/// One line of the table in catalog.cc.
struct FaultSpec {
  std::string_view name;     ///< "bgsave"
  std::string_view summary;  ///< what it does, one line
  std::vector<FaultParameter> parameters;
  /// It harms the server or its data, so that only a stack of ours may be its target …
  bool destructive = false;
  /// … or does so only when this parameter is given.
  std::string_view destructiveWith = {};
  bool clusterOnly = false;
  /// It acts on a process, which is known of our own servers alone: -force does not help.
  bool needsProcess = false;
  std::unique_ptr<Fault> (*make)(const FaultArguments&, const FaultContext&) = nullptr;

  /// What it does to this server with these arguments is of that kind.
  bool harms(const FaultArguments& arguments) const {
    return destructive || (!destructiveWith.empty() && arguments.given(destructiveWith));
  }
};

/// FaultSpec::make of a class.
template <typename T>
std::unique_ptr<Fault> makeFault(const FaultArguments& arguments, const FaultContext& context) {
  return std::make_unique<T>(arguments, context);
}

}  // namespace redline
