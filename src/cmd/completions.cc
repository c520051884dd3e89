#include "cmd/completions.h"

#include <fmt/format.h>

#include <vector>

#include "cmd/text.h"

namespace redline {
namespace {

std::string words(const std::vector<std::string_view>& list) {
  return fmt::format("{}", fmt::join(list, " "));
}

std::vector<std::string_view> commandNames(std::span<const Command> commands) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

/// One `case` branch of a flag whose value can be completed; empty for the others.
std::string bashValueBranch(const Command& command, const FlagSpec& flag) {
  if (flag.kind == FlagKind::path)
    return fmt::format("    {}:-{}) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n",
                       command.name, flag.name);
  if (flag.choices.empty()) return "";
  return fmt::format("    {}:-{}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return ;;\n",
                     command.name, flag.name, words(flag.choices));
}

std::string bashCommandBranch(const Command& command) {
  std::vector<std::string> candidates;
  for (const PositionalSpec& word : command.positionals)
    for (const std::string_view choice : word.choices) candidates.emplace_back(choice);
  for (const FlagSpec& flag : command.flags) candidates.push_back(fmt::format("-{}", flag.name));
  return fmt::format("    {}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")) ;;\n", command.name,
                     fmt::join(candidates, " "));
}

/// Text inside a zsh '[…]' explanation within single quotes.
std::string zshQuoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string zshFlag(const FlagSpec& flag) {
  const std::string help = zshQuoted(flag.help);
  if (flag.kind == FlagKind::boolean) return fmt::format("'-{}[{}]'", flag.name, help);
  std::string action;
  if (flag.kind == FlagKind::path) {
    action = "_files";
  } else if (!flag.choices.empty()) {
    action = fmt::format("({})", words(flag.choices));
  }
  return fmt::format("'-{}=[{}]:{}:{}'", flag.name, help, flag.name, action);
}

std::string zshBranch(const Command& command) {
  std::string text = fmt::format("    {})\n      _arguments", command.name);
  for (std::size_t i = 0; i < command.positionals.size(); ++i)
    text += fmt::format(" \\\n        '{}:{}:({})'", i + 1, command.positionals[i].name,
                        words(command.positionals[i].choices));
  for (const FlagSpec& flag : command.flags) text += " \\\n        " + zshFlag(flag);
  return text + "\n      ;;\n";
}

}  // namespace

std::string bashCompletions(std::span<const Command> commands) {
  std::string text =
      "# bash completions for redline: source <(redline completions bash)\n"
      "_redline() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  local command=${COMP_WORDS[1]}\n"
      "  COMPREPLY=()\n";
  text += fmt::format(
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return\n"
      "  fi\n",
      words(commandNames(commands)));
  // readline splits -flag=value into three words at the equals sign.
  text +=
      "  if [ \"$cur\" = \"=\" ]; then cur=; \n"
      "  elif [ \"$prev\" = \"=\" ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
      "  prev=${prev/#--/-}\n"
      "  case \"$command:$prev\" in\n";
  for (const Command& command : commands)
    for (const FlagSpec& flag : command.flags) text += bashValueBranch(command, flag);
  text += "  esac\n  case \"$command\" in\n";
  for (const Command& command : commands) text += bashCommandBranch(command);
  return text + "  esac\n}\ncomplete -F _redline redline\n";
}

std::string zshCompletions(std::span<const Command> commands) {
  std::string text =
      "#compdef redline\n"
      "# zsh completions for redline: redline completions zsh > ~/.zfunc/_redline\n"
      "_redline() {\n"
      "  if (( CURRENT == 2 )); then\n"
      "    local -a commands=(\n";
  for (const Command& command : commands)
    text += fmt::format("      '{}:{}'\n", command.name, zshQuoted(command.summary));
  text +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const Command& command : commands) text += zshBranch(command);
  return text + "  esac\n}\n_redline \"$@\"\n";
}

}  // namespace redline
