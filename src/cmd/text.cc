#include "cmd/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace redline {
namespace {

std::string joined(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, "|"));
}

std::string_view kindName(FlagKind kind) {
  switch (kind) {
    case FlagKind::size:
      return "SIZE";
    case FlagKind::duration:
      return "DURATION";
    case FlagKind::count:
      return "COUNT";
    case FlagKind::number:
      return "NUMBER";
    case FlagKind::share:
      return "SHARE";
    case FlagKind::text:
      return "TEXT";
    case FlagKind::endpoints:
      return "HOST:PORT[,...]";
    case FlagKind::hostPort:
      return "HOST:PORT";
    case FlagKind::cpuList:
      return "CPUS";
    case FlagKind::path:
      return "PATH";
    case FlagKind::boolean:
    case FlagKind::choice:
      break;
  }
  return "";
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  while (!text.empty()) {
    const auto blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text.remove_prefix(blank == std::string_view::npos ? text.size() : blank + 1);
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > width)
      lines.push_back(std::exchange(line, {}));
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string placeholder(const FlagSpec& flag) {
  if (flag.kind == FlagKind::boolean) return "";
  if (flag.kind == FlagKind::choice) return joined(flag.choices);
  std::string text{kindName(flag.kind)};
  if (!flag.choices.empty()) text += "|" + joined(flag.choices);
  return text;
}

std::string valueNotes(const FlagSpec& flag) {
  std::vector<std::string> notes;
  if (!flag.whenEmpty.empty()) {
    notes.push_back(fmt::format("default: {}", flag.whenEmpty));
  } else if (!flag.fallback.empty() &&
             (flag.kind != FlagKind::boolean || flag.fallback != "false")) {
    notes.push_back(fmt::format("default {}", flag.fallback));
  }
  if (!flag.example.empty() && flag.example != flag.fallback)
    notes.push_back(fmt::format("e.g. {}", flag.example));
  return fmt::format("{}", fmt::join(notes, ", "));
}

std::string usageLine(const Command& command) {
  std::string line = fmt::format("redline {}", command.name);
  for (const PositionalSpec& word : command.positionals) {
    const std::string shown = word.choices.empty() ? std::string{word.name} : joined(word.choices);
    const std::string_view more = word.repeated ? "..." : "";
    const bool mayBeLeftOut = word.optional || !word.fallback.empty();
    line += mayBeLeftOut ? fmt::format(" [{}]{}", shown, more) : fmt::format(" {}{}", shown, more);
  }
  if (!command.flags.empty()) line += " [flags]";
  return line;
}

std::vector<std::string_view> groupsOf(const Command& command) {
  std::vector<std::string_view> groups;
  for (const FlagSpec& flag : command.flags)
    if (std::ranges::find(groups, flag.group) == groups.end()) groups.push_back(flag.group);
  return groups;
}

}  // namespace redline
