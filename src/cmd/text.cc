#include "cmd/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace redline {
namespace {

std::string joined(const std::vector<std::string_view>& words) {
  return fmt::format("{}", fmt::join(words, "|"));
}

std::string_view kindName(ValueKind kind) {
  switch (kind) {
    case ValueKind::size:
      return "SIZE";
    case ValueKind::duration:
      return "DURATION";
    case ValueKind::count:
      return "COUNT";
    case ValueKind::number:
      return "NUMBER";
    case ValueKind::rate:
      return "RATE";
    case ValueKind::share:
      return "SHARE";
    case ValueKind::text:
      return "TEXT";
    case ValueKind::endpoints:
      return "HOST:PORT[,...]";
    case ValueKind::hostPort:
      return "HOST:PORT";
    case ValueKind::cpuList:
      return "CPUS";
    case ValueKind::path:
      return "PATH";
    case ValueKind::boolean:
    case ValueKind::choice:
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

std::vector<std::string> wrapChoices(std::string_view text, std::size_t width) {
  std::vector<std::string> lines{""};
  while (!text.empty()) {
    const auto bar = text.find('|');
    const std::string_view part = text.substr(0, bar == std::string_view::npos ? bar : bar + 1);
    text.remove_prefix(part.size());
    if (!lines.back().empty() && lines.back().size() + part.size() > width) lines.emplace_back();
    lines.back() += part;
  }
  return lines;
}

std::vector<std::string> wrapShellLine(std::string_view line, std::size_t width) {
  std::vector<std::string> words{""};
  char quote = 0;
  for (const char c : line) {
    if (c == ' ' && quote == 0) {
      words.emplace_back();
      continue;
    }
    if (c == quote)
      quote = 0;
    else if (quote == 0 && (c == '\'' || c == '"'))
      quote = c;
    words.back() += c;
  }
  constexpr std::string_view kContinues = " \\";
  std::vector<std::string> lines{words.front()};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t room = width - (i + 1 == words.size() ? 0 : kContinues.size());
    if (lines.back().size() + 1 + words[i].size() <= room) {
      lines.back() += " " + words[i];
      continue;
    }
    lines.back() += kContinues;
    lines.push_back("  " + words[i]);
  }
  return lines;
}

std::string placeholder(const FlagSpec& flag) {
  if (flag.kind == ValueKind::boolean) return "";
  if (flag.kind == ValueKind::choice) return joined(flag.choices);
  std::string text{kindName(flag.kind)};
  if (!flag.choices.empty()) text += "|" + joined(flag.choices);
  return text;
}

std::string valueNotes(const FlagSpec& flag) {
  std::vector<std::string> notes;
  if (!flag.whenEmpty.empty()) {
    notes.push_back(flag.whenEmpty == "required" ? "required"
                                                 : fmt::format("default: {}", flag.whenEmpty));
  } else if (!flag.fallback.empty() &&
             (flag.kind != ValueKind::boolean || flag.fallback != "false")) {
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
