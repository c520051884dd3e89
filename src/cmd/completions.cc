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
  if (flag.kind == ValueKind::path)
    return fmt::format("    {}:-{}) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n",
                       command.name, flag.name);
  if (flag.choices.empty()) return "";
  return fmt::format("    {}:-{}) COMPREPLY=($(compgen -W \"{}\" -- \"$cur\")); return ;;\n",
                     command.name, flag.name, words(flag.choices));
}

/// What may stand at a positional's place, for a shell to expand; the names of commands for `help`.
std::string wordsAt(const PositionalSpec& spec, std::span<const Command> commands) {
  std::vector<std::string_view> list = spec.choices;
  list.insert(list.end(), spec.hints.begin(), spec.hints.end());
  if (spec.name == "command") list = commandNames(commands);
  std::string text = words(list);
  if (!spec.hintsFrom.empty()) text += fmt::format(" $({})", spec.hintsFrom);
  return text;
}

/// One `case` branch for the words at each place after the command: "stack:0) words=\"up down\"
/// ;;".
std::string bashPlaces(const Command& command, std::span<const Command> commands) {
  std::string text;
  for (std::size_t i = 0; i < command.positionals.size(); ++i) {
    const PositionalSpec& spec = command.positionals[i];
    const std::string place = spec.repeated && i > 0 ? "*" : std::to_string(i);
    std::string found = wordsAt(spec, commands);
    if (spec.paths) found += " $(compgen -f -- \"$cur\")";
    // The words of a command substitution stay as they are: nothing of ours has a quote or a
    // dollar.
    text += fmt::format("    {}:{}{}) words=\"{}\" ;;\n", command.name, place,
                        spec.repeated && i == 0 ? fmt::format("|{}:*", command.name) : "", found);
  }
  return text;
}

std::string bashFlags(const Command& command) {
  std::vector<std::string> flags;
  for (const FlagSpec& flag : command.flags) flags.push_back(fmt::format("-{}", flag.name));
  return fmt::format("    {}) flags=\"{}\" ;;\n", command.name, fmt::join(flags, " "));
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
  if (flag.kind == ValueKind::boolean) return fmt::format("'-{}[{}]'", flag.name, help);
  std::string action;
  if (flag.kind == ValueKind::path) {
    action = "_files";
  } else if (!flag.choices.empty()) {
    action = fmt::format("({})", words(flag.choices));
  }
  return fmt::format("'-{}=[{}]:{}:{}'", flag.name, help, flag.name, action);
}

/// How zsh completes a positional: words, paths, or either.
std::string zshAction(const PositionalSpec& spec, std::span<const Command> commands) {
  const std::string found = wordsAt(spec, commands);
  if (found.empty()) return spec.paths ? "_files" : "";
  std::string text;
  for (const char c : found) text += c == ':' ? std::string("\\:") : std::string(1, c);
  if (!spec.paths) return fmt::format("({})", text);
  return fmt::format("{{_alternative \"words\\:word\\:({})\" \"paths\\:path\\:_files\"}}", text);
}

std::string zshBranch(const Command& command, std::span<const Command> commands) {
  std::string text = fmt::format("    {})\n      _arguments", command.name);
  for (std::size_t i = 0; i < command.positionals.size(); ++i) {
    const PositionalSpec& spec = command.positionals[i];
    text += fmt::format(" \\\n        '{}:{}:{}'",
                        spec.repeated ? std::string("*") : std::to_string(i + 1), spec.name,
                        zshAction(spec, commands));
  }
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
  text += "  esac\n  local words= flags= place=0 i\n";
  // Which place after the command this is: flags and their values do not count.
  text +=
      "  for ((i = 2; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "      -*|=) ;;\n"
      "      *) [ \"${COMP_WORDS[i-1]}\" = \"=\" ] || place=$((place + 1)) ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$command:$place\" in\n";
  for (const Command& command : commands) text += bashPlaces(command, commands);
  text += "  esac\n  case \"$command\" in\n";
  for (const Command& command : commands) text += bashFlags(command);
  return text +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words $flags\" -- \"$cur\"))\n"
         "}\n"
         "complete -F _redline redline\n";
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
  for (const Command& command : commands) text += zshBranch(command, commands);
  return text + "  esac\n}\n_redline \"$@\"\n";
}

}  // namespace redline
