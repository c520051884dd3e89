// Whole command lines: a line of the input is an argument, one that begins with '\x01' a variable
// of the environment, and what follows a '\x02' is the configuration file. They are resolved, or
// refused with one line and the code of a wrong use.
#include <algorithm>

#include "cmd/command.h"
#include "cmd/resolve.h"
#include "fuzz/target.h"

namespace {

using namespace redline;

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = [] {
    Command driver;
    driver.name = "driver";
    driver.flags = {
        {"rate", ValueKind::count, "10k", "operations per second", "200k", "Load", {"max"}},
        {"rw-ratio", ValueKind::share, "0.9", "share of reads", "0.5", "Load"},
        {"duration", ValueKind::duration, "10s", "length", "60s", "Load", {}, true},
        {"value-size", ValueKind::size, "100", "bytes", "4KB", "Load", {}, true},
        {"zipf-s", ValueKind::number, "1.1", "exponent", "1.2", "Load"},
        {"dist", ValueKind::choice, "uniform", "keys", "zipfian", "Load", {"uniform", "zipfian"}},
        {"addr", ValueKind::endpoints, "127.0.0.1:7600", "where", "127.0.0.1:1", "Server"},
        {"cpus", ValueKind::cpuList, "", "CPUs", "1,4-7", "Generator"},
        {"tx", ValueKind::boolean, "false", "MULTI and EXEC", "", "Load"},
        {"out", ValueKind::path, "", "directory", "runs/x", "Output"},
        {"config", ValueKind::path, "", "a file", "lab.toml", "General"},
    };
    Command stack;
    stack.name = "stack";
    stack.positionals = {{"action", {"up", "down"}}, {"name", {}, "", "", true}};
    stack.flags = {{"port", ValueKind::count, "auto", "port", "0", "Stack", {"auto"}},
                   {"config", ValueKind::path, "", "a file", "lab.toml", "General"}};
    return std::vector<Command>{driver, stack};
  }();
  return kCommands;
}

FlagInputs inputsIn(std::string_view text) {
  FlagInputs inputs;
  const std::size_t file = text.find('\x02');
  const std::string content(file == std::string_view::npos ? "" : text.substr(file + 1));
  inputs.readFile = [content](const std::string&) { return Result<std::string>(content); };
  text = text.substr(0, file);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('\x01'))
      inputs.environment.emplace_back(line.substr(1));
    else
      inputs.arguments.emplace_back(line);
  }
  return inputs;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const FlagInputs inputs = inputsIn(textOf(data + 1, size - 1));
  const Command& command = commands()[data[0] % 2];
  (void)checkWords(command, inputs.arguments);
  const auto values = resolve(command, commands(), inputs);
  if (values) return 0;
  require(values.error().code == ErrorCode::usage, "an error that is not one of use");
  require(!values.error().message.empty(), "an error without words");
  return 0;
}
