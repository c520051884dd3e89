#include "cmd/resolve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <regex>

#include "base/suggest.h"
#include "base/text.h"
#include "cmd/config_file.h"
#include "cmd/foreign_flags.h"

namespace redline {
namespace {

constexpr std::string_view kPrefix = "REDLINE_";
/// Our variables that are not flags: the password must not be in a process list, and the home is
/// where stacks live.
constexpr std::array<std::string_view, 2> kNotFlags{"REDLINE_PASSWORD", "REDLINE_HOME"};

/// A value as given somewhere, not yet parsed.
struct Given {
  std::string text;
  FlagSource source = FlagSource::fallback;
  std::string where;  ///< for the listing: "REDLINE_KEYS", "lab.toml:3"
  std::string label;  ///< for errors: also names the flag
};

using GivenByName = std::map<std::string, Given, std::less<>>;

const FlagSpec* find(const Command& command, std::string_view name) {
  const auto found = std::ranges::find(command.flags, name, &FlagSpec::name);
  return found == command.flags.end() ? nullptr : &*found;
}

const Command* ownerOf(std::span<const Command> all, std::string_view flag) {
  const auto found =
      std::ranges::find_if(all, [&](const Command& one) { return find(one, flag) != nullptr; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string_view> names(const Command& command) {
  std::vector<std::string_view> all;
  all.reserve(command.flags.size());
  for (const FlagSpec& flag : command.flags) all.push_back(flag.name);
  return all;
}

/// What to say of a flag that `command` does not have; `where` is empty on the command line.
tl::unexpected<Error> unknown(const Command& command, std::span<const Command> all,
                              std::string_view name, std::string_view where,
                              std::string_view prefix) {
  const std::string place = where.empty() ? "" : fmt::format("{}: ", where);
  if (name == "pass" || editDistance(name, "password") <= 2)
    return fail(ErrorCode::usage,
                "{}a password cannot be a flag: set REDLINE_PASSWORD in the environment", place);
  const bool isLoad = find(command, "conns") != nullptr;
  if (const std::string advice = isLoad && prefix == "-" ? foreignFlagAdvice(name) : "";
      !advice.empty())
    return fail(ErrorCode::usage, "unknown flag {}", advice);
  const auto known = names(command);
  if (const std::string hint = didYouMean(name, known, prefix); !hint.empty())
    return fail(ErrorCode::usage, "{}unknown flag {}{}{}", place, prefix, name, hint);
  if (const Command* const owner = ownerOf(all, name))
    return fail(ErrorCode::usage, "{}unknown flag {}{}: it is a flag of 'redline {}', not of '{}'",
                place, prefix, name, owner->name, command.name);
  return fail(ErrorCode::usage, "{}unknown flag {}{}: see 'redline help {}'", place, prefix, name,
              command.name);
}

/// Kubernetes gives every container such variables for each service of its namespace: those of one
/// named "redline", or "redline-…", begin as ours do.
bool isServiceVariable(std::string_view name, std::string_view value) {
  static const std::regex kNames(
      "REDLINE(_.*)?_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|"
      "PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");
  const bool address =
      value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
  return std::regex_match(name.begin(), name.end(), kNames) || (name.ends_with("_PORT") && address);
}

bool looksLikeFlag(std::string_view word) {
  return word.size() > 1 && word[0] == '-' &&
         (word[1] == '-' || std::isalpha(static_cast<unsigned char>(word[1])) != 0);
}

class Resolver {
 public:
  Resolver(const Command& command, std::span<const Command> all, const FlagInputs& inputs)
      : command_(command), all_(all), inputs_(inputs) {}

  Result<FlagValues> resolve() {
    if (helpAmongArguments()) {
      FlagValues values;
      values.setHelpRequested();
      return values;
    }
    if (auto status = readArguments(); !status) return fail(status.error());
    if (auto status = readEnvironment(); !status) return fail(status.error());
    if (auto status = readFile(); !status) return fail(status.error());
    return build();
  }

 private:
  bool helpAmongArguments() const {
    const auto& words = inputs_.arguments;
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i)
      if (words[i] == "-help" || words[i] == "--help" || (words[i] == "-h" && !isHost(i + 1)))
        return true;
    return false;
  }

  /// `-h HOST`, as redis-cli has it, is not a call for help: the word would be silently dropped.
  bool isHost(std::size_t i) const {
    return i < inputs_.arguments.size() && command_.positionals.empty() &&
           !looksLikeFlag(inputs_.arguments[i]);
  }

  Status readArguments() {
    bool flagsEnded = false;
    const auto& words = inputs_.arguments;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!flagsEnded && words[i] == "--") {
        flagsEnded = true;
      } else if (flagsEnded || !looksLikeFlag(words[i])) {
        words_.push_back(words[i]);
      } else if (auto status = readFlag(i); !status) {
        return status;
      }
    }
    return checkWords();
  }

  /// Reads the flag at words[i], and its value from words[i + 1] where it stands there.
  Status readFlag(std::size_t& i) {
    std::string_view word = inputs_.arguments[i];
    word.remove_prefix(word.starts_with("--") ? 2 : 1);
    const auto equals = word.find('=');
    const std::string name{word.substr(0, equals)};
    const FlagSpec* const flag = find(command_, name);
    if (name == "h" && flag == nullptr)
      return fail(ErrorCode::usage,
                  "-h asks for help, and a word follows it: an address is given with -addr, as in "
                  "-addr=127.0.0.1:6379");
    if (flag == nullptr) return unknown(command_, all_, name, "", "-");
    Given given{"true", FlagSource::commandLine, "-" + name, "-" + name};
    if (equals != std::string_view::npos) {
      given.text = word.substr(equals + 1);
    } else if (flag->kind != ValueKind::boolean) {
      if (i + 1 == inputs_.arguments.size() || looksLikeFlag(inputs_.arguments[i + 1]))
        return fail(ErrorCode::usage, "-{} needs a value, e.g. -{}={}", name, name,
                    flag->example.empty() ? flag->fallback : flag->example);
      given.text = inputs_.arguments[++i];
    }
    if (!fromArguments_.emplace(name, std::move(given)).second)
      return fail(ErrorCode::usage, "duplicate flag -{}", name);
    return {};
  }

  Status checkWords() {
    if (auto status = redline::checkWords(command_, words_); !status) return status;
    for (std::size_t i = words_.size(); i < command_.positionals.size(); ++i) {
      const PositionalSpec& spec = command_.positionals[i];
      if (spec.fallback.empty() && !spec.optional)
        return fail(ErrorCode::usage, "missing {}: {}", spec.name,
                    spec.choices.empty() ? fmt::format("name {}", spec.help)
                                         : "use " + alternatives(spec.choices));
    }
    return {};
  }

  Status readEnvironment() {
    for (const std::string& setting : inputs_.environment) {
      if (!setting.starts_with(kPrefix)) continue;
      const auto equals = setting.find('=');
      const std::string variable = setting.substr(0, equals);
      if (std::ranges::find(kNotFlags, variable) != kNotFlags.end()) continue;
      const std::string_view value =
          equals == std::string::npos ? "" : std::string_view(setting).substr(equals + 1);
      if (isServiceVariable(variable, value)) continue;
      const FlagSpec* const flag = flagOf(command_, variable);
      if (flag == nullptr) {
        if (knownToAny(variable)) continue;
        return unknownVariable(variable);
      }
      const std::string text = equals == std::string::npos ? "" : setting.substr(equals + 1);
      fromEnvironment_.emplace(flag->name,
                               Given{text, FlagSource::environment, variable, variable});
    }
    return {};
  }

  static const FlagSpec* flagOf(const Command& command, std::string_view variable) {
    const auto found = std::ranges::find_if(command.flags, [&](const FlagSpec& flag) {
      return environmentName(flag.name) == variable;
    });
    return found == command.flags.end() ? nullptr : &*found;
  }

  bool knownToAny(std::string_view variable) const {
    return std::ranges::any_of(
        all_, [&](const Command& one) { return flagOf(one, variable) != nullptr; });
  }

  tl::unexpected<Error> unknownVariable(std::string_view variable) const {
    std::vector<std::string> variables(kNotFlags.begin(), kNotFlags.end());
    for (const Command& one : all_)
      for (const FlagSpec& flag : one.flags) variables.push_back(environmentName(flag.name));
    const std::vector<std::string_view> candidates(variables.begin(), variables.end());
    const std::string hint = didYouMean(variable, candidates);
    return fail(ErrorCode::usage, "unknown environment variable {}{}", variable,
                hint.empty() ? ": REDLINE_<FLAG> sets a flag, and there is no such flag" : hint);
  }

  Status readFile() {
    const Given* const path = lookUp("config", false);
    if (path == nullptr || path->text.empty()) return {};
    const auto content = inputs_.readFile(path->text);
    if (!content) return fail(ErrorCode::usage, "{}: {}", path->label, content.error().message);
    const auto file = parseConfigFile(path->text, *content);
    if (!file) return fail(file.error());
    for (const ConfigTable& table : file->tables)
      if (commandNamed(table.name) == nullptr) return unknownTable(table);
    for (const ConfigEntry& entry : file->entries)
      if (auto status = takeEntry(entry); !status) return status;
    return {};
  }

  Status takeEntry(const ConfigEntry& entry) {
    const bool topLevel = entry.table.empty();
    const Command& table = topLevel ? command_ : *commandNamed(entry.table);
    if (entry.key == "config")
      return fail(ErrorCode::usage, "{}: config cannot be set in a configuration file",
                  entry.where);
    if (find(table, entry.key) == nullptr) {
      if (topLevel && ownerOf(all_, entry.key) != nullptr) return {};  // another sub-command's
      return unknown(table, all_, entry.key, entry.where, "");
    }
    if (table.name != command_.name) return {};
    Given given{entry.text, FlagSource::file, entry.where,
                fmt::format("{}: {}", entry.where, entry.key)};
    // What stands in the sub-command's own table is more particular than the top level.
    if (topLevel) {
      fromFile_.emplace(entry.key, std::move(given));
    } else {
      fromFile_.insert_or_assign(entry.key, std::move(given));
    }
    return {};
  }

  const Command* commandNamed(std::string_view name) const {
    if (name == command_.name) return &command_;
    const auto found = std::ranges::find(all_, name, &Command::name);
    return found == all_.end() ? nullptr : &*found;
  }

  tl::unexpected<Error> unknownTable(const ConfigTable& table) const {
    std::vector<std::string_view> commands;
    for (const Command& one : all_) commands.push_back(one.name);
    const std::string hint = didYouMean(table.name, commands);
    return fail(ErrorCode::usage, "{}: unknown table [{}]{}", table.where, table.name,
                hint.empty() ? ": tables are named after sub-commands" : hint);
  }

  const Given* lookUp(std::string_view name, bool withFile = true) const {
    for (const GivenByName* from : {&fromArguments_, &fromEnvironment_, &fromFile_}) {
      if (from == &fromFile_ && !withFile) break;
      if (const auto found = from->find(name); found != from->end()) return &found->second;
    }
    return nullptr;
  }

  Result<FlagValues> build() const {
    FlagValues values;
    for (const FlagSpec& flag : command_.flags) {
      const Given* const given = lookUp(flag.name);
      auto parsed = parseFlagValue(flag, given == nullptr ? flag.fallback : given->text);
      if (!parsed)
        return fail(ErrorCode::usage, "{}: {}",
                    given == nullptr ? fmt::format("default of -{}", flag.name) : given->label,
                    parsed.error().message);
      parsed->source = given == nullptr ? FlagSource::fallback : given->source;
      parsed->where = given == nullptr ? "default" : given->where;
      values.set(flag.name, std::move(*parsed));
    }
    if (auto status = takeUserOfUrl(values); !status) return fail(status.error());
    for (std::size_t i = 0; i < command_.positionals.size(); ++i) {
      const PositionalSpec& spec = command_.positionals[i];
      values.setPositional(spec.name, i < words_.size() ? words_[i] : std::string{spec.fallback});
    }
    values.setPositionalWords(words_);
    return values;
  }

  /// A user in -addr's URL is as if -user named it.
  Status takeUserOfUrl(FlagValues& values) const {
    if (find(command_, "addr") == nullptr || find(command_, "user") == nullptr) return {};
    const FlagValue& addr = values.at("addr");
    if (addr.user.empty() || addr.user == values.text("user")) return {};
    if (values.given("user"))
      return fail(ErrorCode::usage, "-user={} contradicts the user in the URL of {}",
                  values.text("user"), addr.where);
    FlagValue user;
    user.content = addr.user;
    user.text = addr.user;
    user.source = addr.source;
    user.where = addr.where;
    values.set("user", std::move(user));
    return {};
  }

  const Command& command_;
  std::span<const Command> all_;
  const FlagInputs& inputs_;
  std::vector<std::string> words_;
  GivenByName fromArguments_;
  GivenByName fromEnvironment_;
  GivenByName fromFile_;
};

}  // namespace

std::string environmentName(std::string_view flag) {
  std::string name = std::string(kPrefix) + toUpper(flag);
  std::ranges::replace(name, '-', '_');
  return name;
}

/// What a word without a flag may have been meant for: "did you mean -action=bgsave?".
std::string flagOfValue(const Command& command, std::string_view word) {
  for (const FlagSpec& flag : command.flags) {
    if (flag.kind != ValueKind::choice) continue;
    if (const std::string_view near = closest(word, flag.choices); !near.empty())
      return fmt::format("did you mean -{}={}?", flag.name, near);
  }
  return "flags start with a dash, as in -keys=1M";
}

Status checkWords(const Command& command, std::span<const std::string> words) {
  const auto& positionals = command.positionals;
  const bool anyNumber = !positionals.empty() && positionals.back().repeated;
  if (!anyNumber && words.size() > positionals.size()) {
    const std::string& stray = words[positionals.size()];
    const bool value = stray == "true" || stray == "false";
    return fail(ErrorCode::usage, "unexpected word '{}': {}", stray,
                value ? "a boolean's value needs an equals sign, as in -force=false"
                      : flagOfValue(command, stray));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const PositionalSpec& spec = positionals[std::min(i, positionals.size() - 1)];
    if (spec.choices.empty() || std::ranges::find(spec.choices, words[i]) != spec.choices.end())
      continue;
    return fail(ErrorCode::usage, "'{}' is not {}{}", words[i], alternatives(spec.choices),
                didYouMean(words[i], spec.choices));
  }
  return {};
}

Result<FlagValues> resolve(const Command& command, std::span<const Command> all,
                           const FlagInputs& inputs) {
  return Resolver(command, all, inputs).resolve();
}

}  // namespace redline
