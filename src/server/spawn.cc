#include "server/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "server/text_file.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxInput = 4096;  ///< what a socket takes without a reader
constexpr std::size_t kMaxPrinted = 64 * 1024;
constexpr long kDefaultTimerSlack = 50'000;

/// File numbers in the child, between fork and exec. Above them everything is closed.
constexpr int kGateFd = 3;
constexpr int kFailureFd = 4;
/// Descriptors are first copied to free numbers from here on, so that no dup2 overwrites one that
/// is still needed.
constexpr int kParked = 16;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read, write;
};

/// A pair of sockets rather than a pipe: a write to a dead reader can then be had without SIGPIPE.
Result<Pipe> makePipe() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail(ErrorCode::io, "cannot make a pair of sockets: {}", errnoText(errno));
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

/// All that the child needs, made before fork(): after it only async-signal-safe calls are allowed,
/// since other threads may hold any lock.
struct ChildPlan {
  const char* program = nullptr;
  char* const* args = nullptr;
  const char* directory = nullptr;
  int input = -1, output = -1, gate = -1, failure = -1;
  bool dieWithParent = false;
  pid_t parent = 0;
};

/// What a thread of ours may have set for itself and a server must not inherit: ignored signals, a
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

[[noreturn]] void leave(int failure) {
  const int error = errno;
  [[maybe_unused]] const ssize_t put = ::write(failure, &error, sizeof error);
  ::_exit(127);
}

[[noreturn]] void runChild(const ChildPlan& plan) {
  ::setsid();
  if (plan.dieWithParent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != plan.parent) ::_exit(127);
  }
  resetInherited();
  std::array<int, 5> wanted{plan.input, plan.output, plan.output, plan.gate, plan.failure};
  for (int& fd : wanted) {
    fd = ::fcntl(fd, F_DUPFD, kParked);
    if (fd < 0) ::_exit(127);
  }
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (::dup2(wanted[i], static_cast<int>(i)) < 0) ::_exit(127);
  ::fcntl(kFailureFd, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, kFailureFd + 1, ~0U, 0);
  if (::chdir(plan.directory) != 0) leave(kFailureFd);
  char go = 0;
  ssize_t got = 0;
  do {
    got = ::read(kGateFd, &go, 1);
  } while (got < 0 && errno == EINTR);
  if (got != 1) ::_exit(127);
  ::close(kGateFd);
  ::execv(plan.program, plan.args);
  leave(kFailureFd);
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

pid_t forkChild(const ChildPlan& plan) {
  if (plan.dieWithParent) return LastingForker::fork(plan);
  const pid_t pid = ::fork();
  if (pid == 0) runChild(plan);
  return pid;
}

}  // namespace

Result<GatedChild> GatedChild::spawn(const SpawnPlan& plan) {
  if (plan.args.empty()) return fail(ErrorCode::usage, "nothing to run");
  if (plan.input.size() > kMaxInput)
    return fail(ErrorCode::usage, "more than {} bytes for a program's input", kMaxInput);
  auto program = findProgram(plan.args.front());
  if (!program) return fail(std::move(program.error()));
  auto gate = makePipe(), failure = makePipe(), input = makePipe();
  for (auto* each : {&gate, &failure, &input})
    if (!*each) return fail(std::move(each->error()));
  const std::string outputPath = plan.output.empty() ? "/dev/null" : plan.output.string();
  const Fd output(::open(outputPath.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (output.get() < 0)
    return fail(ErrorCode::io, "cannot write {}: {}", outputPath, errnoText(errno));

  std::vector<std::string> args = plan.args;
  std::vector<char*> argv;
  argv.reserve(args.size() + 1);
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  const std::string directory = plan.directory.empty() ? "." : plan.directory.string();
  const ChildPlan child{program->c_str(),     argv.data(),        directory.c_str(),
                        input->read.get(),    output.get(),       gate->read.get(),
                        failure->write.get(), plan.dieWithParent, ::getpid()};
  const pid_t pid = forkChild(child);
  if (pid < 0) return fail(ErrorCode::io, "cannot start a process: {}", errnoText(errno));

  GatedChild spawned;
  spawned.id_ = identify(pid).value_or(ProcessId{pid, 0, {}});
  spawned.program_ = *program;
  spawned.input_ = plan.input;
  spawned.gate_ = gate->write.release();
  spawned.inputPipe_ = input->write.release();
  spawned.failure_ = failure->read.release();
  return spawned;
}

GatedChild::GatedChild(GatedChild&& other) noexcept
    : id_(std::move(other.id_)),
      program_(std::move(other.program_)),
      input_(std::move(other.input_)),
      gate_(std::exchange(other.gate_, -1)),
      inputPipe_(std::exchange(other.inputPipe_, -1)),
      failure_(std::exchange(other.failure_, -1)) {}

GatedChild::~GatedChild() {
  const bool waiting = gate_ >= 0;
  close();
  if (!waiting) return;
  // Another thread's fork may hold a copy of the gate for an instant: do not rely on it closing.
  ::kill(id_.pid, SIGKILL);
  ::waitpid(id_.pid, nullptr, 0);
}

void GatedChild::close() {
  for (int* fd : {&gate_, &inputPipe_, &failure_})
    if (const int open = std::exchange(*fd, -1); open >= 0) ::close(open);
}

Status GatedChild::release() {
  [[maybe_unused]] const ssize_t fed =
      ::send(inputPipe_, input_.data(), input_.size(), MSG_NOSIGNAL);
  const ssize_t opened = ::send(gate_, "g", 1, MSG_NOSIGNAL);
  int error = 0;
  ssize_t got = 0;
  do {
    got = opened == 1 ? ::read(failure_, &error, sizeof error) : 0;
  } while (got < 0 && errno == EINTR);
  close();
  if (opened == 1 && got == 0) return {};
  ::waitpid(id_.pid, nullptr, 0);
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
  const char* const env = ::getenv("PATH");
  std::string_view path = env != nullptr ? env : "/usr/local/bin:/usr/bin:/bin";
  while (!path.empty() && !name.empty()) {
    const std::string_view place = path.substr(0, path.find(':'));
    if (const fs::path candidate = fs::path(place) / name; !place.empty() && runnable(candidate))
      return fs::absolute(candidate);
    path.remove_prefix(std::min(path.size(), place.size() + 1));
  }
  return fail(ErrorCode::io, "{} is not on the PATH: install it (Debian: apt install {})", name,
              name);
}

Result<std::string> runProgram(const std::vector<std::string>& args, Nanos timeout) {
  std::string name = "/tmp/redline-run-XXXXXX";
  const Fd file(::mkstemp(name.data()));
  if (file.get() < 0)
    return fail(ErrorCode::io, "cannot make a file in /tmp: {}", errnoText(errno));
  SpawnPlan plan;
  plan.args = args;
  plan.output = name;
  plan.dieWithParent = true;
  const auto finish = [&](Result<std::string> result) {
    ::unlink(name.c_str());
    return result;
  };
  auto child = GatedChild::spawn(plan);
  if (!child) return finish(fail(std::move(child.error())));
  const ProcessId id = child->id();
  if (auto started = child->release(); !started) return finish(fail(std::move(started.error())));
  if (!awaitExit(id, timeout)) {
    if (auto killed = sendSignal(id, SIGKILL); killed) awaitExit(id, kSecond);
    return finish(fail(ErrorCode::timeout, "{} does not end", args.front()));
  }
  return finish(readTextFile(name).value_or("").substr(0, kMaxPrinted));
}

}  // namespace redline
