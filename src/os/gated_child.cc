#include "os/gated_child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/text.h"
#include "os/child.h"
#include "os/session.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr long kDefaultTimerSlack = 50'000;

/// File numbers in the child, between fork and exec, behind the three standard ones.
constexpr int kGateFd = 3;
constexpr int kFailureFd = 4;

/// All that the child needs, made before fork(): after it only async-signal-safe calls are allowed,
/// since other threads may hold any lock.
struct ChildPlan {
  const char* program = nullptr;
  char* const* args = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;
  std::array<int, 5> descriptors{};  ///< input, output, errors, gate, failure
  bool dieWithParent = false;
  pid_t parent = 0;
  std::optional<RunAs> as;
};

/// What a thread of ours may have set for itself and a program must not inherit: ignored signals, a
/// signal mask, a CPU, a timer slack.
void resetInherited() {
  struct sigaction byDefault{};
  byDefault.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) ::sigaction(signal, &byDefault, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  cpu_set_t all;
  std::memset(&all, 0xff, sizeof all);
  ::sched_setaffinity(0, sizeof all, &all);
  ::prctl(PR_SET_TIMERSLACK, kDefaultTimerSlack, 0, 0, 0);
}

[[noreturn]] void exitWithErrno() {
  const int error = errno;
  [[maybe_unused]] const ssize_t put = ::write(kFailureFd, &error, sizeof error);
  ::_exit(127);
}

/// By the kernel's own calls: glibc's would ask the threads of the parent to follow.
bool become(const RunAs& as) {
  return ::syscall(SYS_setgroups, 0, nullptr) == 0 &&
         ::syscall(SYS_setresgid, as.group, as.group, as.group) == 0 &&
         ::syscall(SYS_setresuid, as.user, as.user, as.user) == 0;
}

[[noreturn]] void runChild(const ChildPlan& plan) {
  startSession();
  resetInherited();
  std::array<int, 5> descriptors = plan.descriptors;
  if (!placeDescriptors(descriptors, 0)) ::_exit(127);
  ::fcntl(kFailureFd, F_SETFD, FD_CLOEXEC);
  if (::chdir(plan.directory) != 0) exitWithErrno();
  if (plan.as && !become(*plan.as)) exitWithErrno();
  if (plan.dieWithParent) {  // behind become(), which would undo it
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != plan.parent) ::_exit(127);
  }
  char go = 0;
  ssize_t got = 0;
  do {
    got = ::read(kGateFd, &go, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(127);
  ::close(kGateFd);
  ::execve(plan.program, plan.args, plan.environment);
  exitWithErrno();
}

/// Forks for others. The kernel's "signal when the parent dies" means the *thread* that forked, so
/// children that are to live as long as this process are forked by a thread that does.
class LastingForker {
 public:
  static pid_t fork(const ChildPlan& plan) {
    static std::mutex mutex;
    static LastingForker* current = nullptr;
    const std::lock_guard lock(mutex);
    // After a fork without exec the thread is in the other process. Never deleted: its thread
    // outlives main().
    if (current == nullptr || current->owner_ != ::getpid()) current = new LastingForker;
    return current->ask(plan);
  }

 private:
  LastingForker() : owner_(::getpid()) {
    std::thread([this] { serve(); }).detach();
  }

  pid_t ask(const ChildPlan& plan) {
    std::unique_lock lock(mutex_);
    plan_ = &plan;
    changed_.notify_all();
    changed_.wait(lock, [this] { return plan_ == nullptr; });
    errno = error_;
    return child_;
  }

  void serve() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return plan_ != nullptr; });
      child_ = ::fork();
      if (child_ == 0) runChild(*plan_);
      error_ = errno;
      plan_ = nullptr;
      changed_.notify_all();
    }
  }

  const pid_t owner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const ChildPlan* plan_ = nullptr;
  pid_t child_ = -1;
  int error_ = 0;
};

/// This process's environment with `more` in it: of a name that both have, the later is kept.
std::vector<std::string> environmentWith(const std::vector<std::string>& more) {
  const auto nameOf = [](std::string_view entry) { return entry.substr(0, entry.find('=')); };
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry)
    if (std::ranges::none_of(more, [&](const auto& set) { return nameOf(set) == nameOf(*entry); }))
      all.emplace_back(*entry);
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// As exec takes them; they point into `texts`.
std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

pid_t forkChild(const ChildPlan& plan) {
  if (plan.dieWithParent) return LastingForker::fork(plan);
  const pid_t pid = ::fork();
  if (pid == 0) runChild(plan);
  return pid;
}

}  // namespace

Result<GatedChild> GatedChild::spawn(const ProgramStart& start) {
  if (start.args.empty()) return fail(ErrorCode::usage, "nothing to run");
  auto program = findProgram(start.args.front());
  if (!program) return fail(std::move(program.error()));
  auto gate = socketPair(), failure = socketPair();
  for (auto* each : {&gate, &failure})
    if (!*each) return fail(std::move(each->error()));
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.valid()) return fail(ErrorCode::io, "cannot open /dev/null: {}", errnoText(errno));
  const auto orNull = [&](int fd) { return fd < 0 ? null.get() : fd; };

  std::vector<std::string> args = start.args, environment = environmentWith(start.environment);
  const std::vector<char*> argv = pointersTo(args), envp = pointersTo(environment);
  const std::string directory = start.directory.empty() ? "." : start.directory.string();
  const ChildPlan child{program->c_str(),
                        argv.data(),
                        envp.data(),
                        directory.c_str(),
                        {orNull(start.input), orNull(start.output), orNull(start.errors),
                         gate->second.get(), failure->second.get()},
                        start.dieWithParent,
                        ::getpid(),
                        start.as};
  const pid_t pid = forkChild(child);
  if (pid < 0) return fail(ErrorCode::io, "cannot start a process: {}", errnoText(errno));
  return GatedChild(pid, *program, std::move(gate->first), std::move(failure->first));
}

GatedChild::~GatedChild() {
  if (!gate_.valid()) return;
  // Another thread's fork may hold a copy of the gate for an instant: do not rely on it closing.
  ::kill(pid_, SIGKILL);
  reapChild(pid_);
}

Status GatedChild::release() {
  // Of a child that failed before the gate, the send fails, too; the reason is in the other socket.
  const bool opened = ::send(gate_.get(), "g", 1, MSG_NOSIGNAL) == 1;
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure_.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  gate_.reset();
  failure_.reset();
  if (opened && got == 0) return {};
  reapChild(pid_);
  return fail(ErrorCode::io, "cannot run {}: {}", program_, errnoText(error != 0 ? error : EPIPE));
}

Result<fs::path> findProgram(std::string_view name) {
  const auto runnable = [](const fs::path& path) {
    std::error_code problem;
    return fs::is_regular_file(path, problem) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string_view::npos) {
    if (runnable(name)) return fs::absolute(name);
    return fail(ErrorCode::io, "cannot run {}: no such program", name);
  }
  const char* const path = ::getenv("PATH");
  for (const std::string_view place : split(path ? path : "/usr/local/bin:/usr/bin:/bin", ':'))
    if (const fs::path candidate = fs::path(place) / name;
        !place.empty() && !name.empty() && runnable(candidate))
      return fs::absolute(candidate);
  return fail(ErrorCode::io, "{} is not on the PATH: install it (Debian: apt install {})", name,
              name);
}

}  // namespace redline
