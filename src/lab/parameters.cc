#include "lab/parameters.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/suggest.h"
#include "base/text.h"
#include "base/toml_nesting.h"
#include "os/console.h"

namespace redline {
namespace {

constexpr std::array<std::string_view, 3> kProfiles{"quick", "standard", "full"};
constexpr std::string_view kAll = "all";
constexpr std::string_view kRepeat = "repeat";
/// Fewer give no interval.
constexpr std::uint64_t kRepeatsForAnInterval = 2;

/// As one would write it in TOML: numbers and booleans bare, the rest quoted.
std::string tomlExample(const ParameterSpec& spec) {
  const std::string_view example =
      spec.kind == ParameterKind::choice ? spec.choices.front() : exampleOf(spec.kind);
  const bool bare = spec.kind == ParameterKind::number || spec.kind == ParameterKind::share ||
                    spec.kind == ParameterKind::boolean;
  return bare ? std::string(example) : fmt::format("\"{}\"", example);
}

/// Every text as the parameter's kind.
Result<std::vector<ValueContent>> valuesOf(const ParameterSpec& spec,
                                           std::span<const std::string> texts) {
  std::vector<ValueContent> values;
  for (const std::string& text : texts) {
    auto value = parseValue(spec.value(), text);
    if (!value) return fail(value.error());
    values.push_back(std::move(value->content));
  }
  return values;
}

Result<std::string> scalarText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* truth = node.as_boolean()) return std::string(truth->get() ? "true" : "false");
  return fail(ErrorCode::usage, "is neither a text, a number, nor true or false");
}

Result<std::vector<std::string>> textsOf(const toml::node& node) {
  std::vector<std::string> texts;
  const auto* const array = node.as_array();
  if (array == nullptr) {
    auto text = scalarText(node);
    if (!text) return fail(text.error());
    texts.push_back(std::move(*text));
    return texts;
  }
  for (const toml::node& element : *array) {
    auto text = scalarText(element);
    if (!text) return fail(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

[[noreturn]] void noSuchParameter(std::string_view name, std::string_view why) {
  printErr("redline: internal error: parameter {} {}\n", name, why);
  std::abort();
}

}  // namespace

/// Goes through one file; its place in the header is for access to Parameters alone.
class ParameterReader {
 public:
  ParameterReader(std::span<const ParameterSpec> specs, const std::string& path, Profile profile)
      : specs_(specs.begin(), specs.end()), path_(path) {
    result_.profile_ = profile;
    specs_.push_back({.name = kRepeat,
                      .kind = ParameterKind::count,
                      .help = "how often each condition is measured"});
    for (const ParameterSpec& spec : specs_) names_.push_back(spec.name);
  }

  Result<Parameters> read(const toml::table& document,
                          std::span<const ParameterOverride> overrides) {
    if (auto known = checkTables(document); !known) return fail(known.error());
    // All tables are read, so that a slip in a profile that is not asked for shows today.
    for (const std::string_view name : kProfiles)
      if (auto status = readTable(document, name, false); !status) return fail(status.error());
    if (auto status = readTable(document, kAll, true); !status) return fail(status.error());
    if (auto status = readTable(document, nameOf(result_.profile_), true); !status)
      return fail(status.error());
    for (const ParameterOverride& each : overrides)
      if (auto status = take(each.name, textsOfOverride(each), each.where, true); !status)
        return fail(status.error());
    if (auto whole = checkWhole(); !whole) return fail(whole.error());
    return std::move(result_);
  }

 private:
  std::string place(const toml::source_region& source) const {
    return fmt::format("{}:{}", path_, source.begin.line);
  }

  Status checkTables(const toml::table& document) const {
    constexpr std::array<std::string_view, 4> kTables{kAll, "quick", "standard", "full"};
    for (const auto& [key, node] : document) {
      const std::string where = place(key.source());
      if (!node.is_table())
        return fail(ErrorCode::usage,
                    "{}: {} stands in no table: put it into [all] or into a profile, e.g. [quick]",
                    where, key.str());
      if (std::ranges::find(kTables, key.str()) == kTables.end())
        return fail(ErrorCode::usage, "{}: there is no profile [{}]{}", where, key.str(),
                    didYouMeanOrUse(key.str(), kTables));
    }
    for (const std::string_view profile : kProfiles)
      if (document.get(profile) == nullptr)
        return fail(ErrorCode::usage, "{}: there is no table [{}]: every profile has one", path_,
                    profile);
    return {};
  }

  Status readTable(const toml::table& document, std::string_view name, bool keep) {
    const toml::node* const node = document.get(name);
    if (node == nullptr) return {};
    for (const auto& [key, value] : *node->as_table()) {
      const std::string where = place(key.source());
      auto texts = textsOf(value);
      if (!texts)
        return fail(ErrorCode::usage, "{}: {} {}", where, key.str(), texts.error().message);
      if (auto status = take(key.str(), std::move(*texts), where, keep, value.is_array()); !status)
        return status;
    }
    return {};
  }

  /// One text, or the elements of a list.
  std::vector<std::string> textsOfOverride(const ParameterOverride& given) const {
    const auto spec = std::ranges::find(specs_, given.name, &ParameterSpec::name);
    if (spec == specs_.end() || !spec->list) return {given.text};
    const auto elements = listElements(given.text);
    return {elements.begin(), elements.end()};
  }

  Status take(std::string_view name, std::vector<std::string> texts, const std::string& where,
              bool keep, bool isList = false) {
    const auto spec = std::ranges::find(specs_, name, &ParameterSpec::name);
    if (spec == specs_.end())
      return fail(ErrorCode::usage, "{}: this experiment has no parameter '{}'{}", where, name,
                  didYouMeanOrUse(name, names_));
    const std::string example = tomlExample(*spec);
    if (isList && !spec->list)
      return fail(ErrorCode::usage, "{}: {} is one value, not a list, e.g. {}", where, name,
                  example);
    if (texts.empty())
      return fail(ErrorCode::usage, "{}: {} is an empty list: at least one value, e.g. [{}]", where,
                  name, example);
    auto values = valuesOf(*spec, texts);
    if (!values)
      return fail(ErrorCode::usage, "{}: {} is {}, e.g. {}: {}", where, name, nameOf(spec->kind),
                  example, values.error().message);
    if (keep)
      result_.entries_.insert_or_assign(
          std::string(name),
          Parameters::Entry{spec->kind, spec->list, std::move(texts), std::move(*values), where});
    return {};
  }

  Status checkWhole() {
    const std::string_view profile = nameOf(result_.profile_);
    for (const ParameterSpec& spec : specs_) {
      if (!result_.entries_.contains(spec.name))
        return fail(ErrorCode::usage,
                    "{}: profile {} has no '{}' ({}): add it to [{}] or [all], e.g. {} = {}", path_,
                    profile, spec.name, spec.help, profile, spec.name, tomlExample(spec));
      result_.order_.emplace_back(spec.name);
    }
    if (result_.repeats() == 0) return result_.refuse(kRepeat, "nothing would be measured");
    const auto& repeat = result_.entries_.find(kRepeat)->second;
    if (result_.profile_ != Profile::quick && result_.repeats() < kRepeatsForAnInterval &&
        repeat.where.starts_with(path_))
      return result_.refuse(
          kRepeat,
          fmt::format("a {} profile states intervals, and {} run{} no interval: use {} or "
                      "more",
                      profile, repeat.texts.front(), result_.repeats() == 1 ? " gives" : "s give",
                      kRepeatsForAnInterval));
    return {};
  }

  std::vector<ParameterSpec> specs_;
  std::vector<std::string_view> names_;
  std::string path_;
  Parameters result_;
};

std::string_view nameOf(Profile profile) {
  return kProfiles[static_cast<std::size_t>(profile)];
}

Result<Profile> parseProfile(std::string_view text) {
  const auto found = std::ranges::find(kProfiles, text);
  if (found == kProfiles.end())
    return fail(ErrorCode::usage, "there is no profile '{}'{}", text,
                didYouMeanOrUse(text, kProfiles));
  return static_cast<Profile>(found - kProfiles.begin());
}

const Parameters::Entry& Parameters::entry(std::string_view name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) noSuchParameter(name, "is not in this experiment's table");
  return found->second;
}

template <typename T>
const T& Parameters::one(std::string_view name, std::initializer_list<ParameterKind> kinds) const {
  const Entry& found = entry(name);
  if (found.list || std::ranges::find(kinds, found.kind) == kinds.end())
    noSuchParameter(name, "is of another kind");
  return std::get<T>(found.values.front());
}

std::uint64_t Parameters::count(std::string_view name) const {
  return one<std::uint64_t>(name, {ParameterKind::count});
}
std::uint64_t Parameters::size(std::string_view name) const {
  return one<std::uint64_t>(name, {ParameterKind::size});
}
Nanos Parameters::duration(std::string_view name) const {
  return one<Nanos>(name, {ParameterKind::duration});
}
double Parameters::seconds(std::string_view name) const {
  return toSeconds(duration(name));
}
double Parameters::number(std::string_view name) const {
  return one<double>(name, {ParameterKind::number, ParameterKind::share});
}
bool Parameters::on(std::string_view name) const {
  return one<bool>(name, {ParameterKind::boolean});
}

const std::string& Parameters::text(std::string_view name) const {
  const Entry& found = entry(name);
  if (found.list) noSuchParameter(name, "is a list");
  return found.texts.front();
}

const std::vector<std::string>& Parameters::texts(std::string_view name) const {
  return entry(name).texts;
}

std::vector<double> Parameters::numbers(std::string_view name) const {
  std::vector<double> values;
  for (const ValueContent& value : entry(name).values) {
    const auto* const count = std::get_if<std::uint64_t>(&value);
    values.push_back(count == nullptr ? std::get<double>(value) : static_cast<double>(*count));
  }
  return values;
}

const std::string& Parameters::where(std::string_view name) const {
  return entry(name).where;
}

tl::unexpected<Error> Parameters::refuse(std::string_view name, std::string_view why) const {
  const Entry& found = entry(name);
  return fail(ErrorCode::usage, "{}: profile {}: {} = {}: {}", found.where, nameOf(profile_), name,
              fmt::join(found.texts, ", "), why);
}

std::vector<std::pair<std::string, std::string>> Parameters::all() const {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& name : order_)
    pairs.emplace_back(name, fmt::format("{}", fmt::join(entry(name).texts, ", ")));
  return pairs;
}

Result<Parameters> readParameters(std::span<const ParameterSpec> specs, const std::string& path,
                                  std::string_view toml, Profile profile,
                                  std::span<const ParameterOverride> overrides) {
  if (const auto line = lineNestedTooDeep(toml))
    return fail(ErrorCode::usage, "{}:{}: nested more than {} deep", path, *line, kMostTomlNesting);
  // toml++ reports syntax errors by exception; they end here.
  try {
    return ParameterReader(specs, path, profile).read(toml::parse(toml, path), overrides);
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::usage, "{}:{}: not TOML: {}", path, error.source().begin.line,
                error.description());
  }
}

Result<std::vector<ParameterOverride>> parseOverrides(std::string_view text) {
  std::vector<ParameterOverride> overrides;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view setting = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (setting.empty()) continue;
    const auto equals = setting.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return fail(ErrorCode::usage,
                  "-set: '{}' is not of the form name=value, e.g. -set='duration=2s; repeat=1'",
                  setting);
    overrides.push_back({std::string(trim(setting.substr(0, equals))),
                         std::string(trim(setting.substr(equals + 1))), "-set"});
  }
  return overrides;
}

}  // namespace redline
