#include "os/program.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "os/child.h"
#include "os/fd.h"
#include "os/gated_child.h"

namespace redline {
namespace {

/// From the beginning: the descriptor's position is where the program stopped writing.
std::string contentsOf(const Fd& file) {
  std::string text;
  if (::lseek(file.get(), 0, SEEK_SET) == 0) readAll(file.get(), text);
  return text;
}

}  // namespace

std::string ProgramResult::failure() const {
  const std::string how = signal != 0 ? fmt::format("killed by signal {}", signal)
                                      : fmt::format("exit code {}", exitCode);
  const std::string_view reason = lastLine(errors);
  return reason.empty() ? how : fmt::format("{}: {}", how, reason);
}

Result<ProgramResult> runProgram(const std::vector<std::string>& args, Nanos timeout,
                                 std::string_view input) {
  return runProgram(ProgramStart{.args = args, .directory = {}}, timeout, input);
}

/// The program's output goes to files in memory: it never waits for a reader.
Result<ProgramResult> runProgram(ProgramStart start, Nanos timeout, std::string_view input) {
  auto in = memoryFile(input), out = memoryFile(), errors = memoryFile();
  for (auto* each : {&in, &out, &errors})
    if (!*each) return fail(std::move(each->error()));
  start.input = in->get();
  start.output = out->get();
  start.errors = errors->get();
  start.dieWithParent = true;
  auto child = GatedChild::spawn(start);
  if (!child) return fail(std::move(child.error()));
  if (auto released = child->release(); !released) return fail(std::move(released.error()));
  const auto status = awaitChild(child->pid(), timeout);
  if (!status) {
    ::kill(-child->pid(), SIGKILL);
    reapChild(child->pid());
    return fail(ErrorCode::timeout, "{} did not end within {}", start.args.front(),
                formatDuration(timeout));
  }
  ProgramResult result;
  result.signal = WIFSIGNALED(*status) ? WTERMSIG(*status) : 0;
  result.exitCode = WIFEXITED(*status) ? WEXITSTATUS(*status) : -1;
  result.output = contentsOf(*out);
  result.errors = contentsOf(*errors);
  return result;
}

}  // namespace redline
