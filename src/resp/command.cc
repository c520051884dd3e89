#include "resp/command.h"

#include <fmt/format.h>

#include <iterator>

namespace redline {
namespace {

template <typename Args>
void append(std::string& out, const Args& args) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", args.size());
  for (const std::string_view arg : args) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", arg.size());
    out.append(arg);
    out.append("\r\n");
  }
}

}  // namespace

void appendCommand(std::string& out, std::span<const std::string_view> args) {
  append(out, args);
}
void appendCommand(std::string& out, std::span<const std::string> args) {
  append(out, args);
}
void appendCommand(std::string& out, std::initializer_list<std::string_view> args) {
  append(out, args);
}

}  // namespace redline
