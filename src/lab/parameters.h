#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/typed_value.h"

namespace redline {

using ParameterKind = ValueKind;

struct ParameterSpec {
  std::string_view name;
  ParameterKind kind = ParameterKind::text;
  bool list = false;                           ///< several values: [1, 8, 16]
  std::string_view help = {};                  ///< one sentence, no full stop
  std::vector<std::string_view> choices = {};  ///< of ParameterKind::choice

  ValueSpec value() const { return {kind, choices}; }
};

enum class Profile { quick, standard, full };
std::string_view nameOf(Profile profile);
/// usage, with a suggestion.
Result<Profile> parseProfile(std::string_view text);

/// The parameters of one experiment in one profile, as its TOML file has them.
///
/// The getters stop the program when the experiment's table has no such parameter, or another kind:
/// a mistake in the experiment, not in its file.
class Parameters {
 public:
  std::uint64_t count(std::string_view name) const;
  std::uint64_t size(std::string_view name) const;  ///< bytes
  Nanos duration(std::string_view name) const;
  double seconds(std::string_view name) const;  ///< a duration
  double number(std::string_view name) const;   ///< numbers and shares
  bool on(std::string_view name) const;
  /// As written, whatever its kind: what goes into a flag.
  const std::string& text(std::string_view name) const;
  const std::vector<std::string>& texts(std::string_view name) const;
  std::vector<double> numbers(std::string_view name) const;  ///< counts, numbers and shares

  Profile profile() const { return profile_; }
  unsigned repeats() const { return static_cast<unsigned>(count("repeat")); }

  /// "experiments/pipelining.toml:7", for the messages of Experiment::check.
  const std::string& where(std::string_view name) const;
  /// usage: "experiments/fsync.toml:7: quick: rates: …".
  tl::unexpected<Error> refuse(std::string_view name, std::string_view why) const;
  /// Name and value of each, in the order of the experiment's table.
  std::vector<std::pair<std::string, std::string>> all() const;

 private:
  friend class ParameterReader;
  struct Entry {
    ParameterKind kind = ParameterKind::text;
    bool list = false;
    std::vector<std::string> texts;  ///< as written
    std::vector<ValueContent> values;
    std::string where;
  };
  const Entry& entry(std::string_view name) const;
  template <typename T>
  const T& one(std::string_view name, std::initializer_list<ParameterKind> kinds) const;

  Profile profile_ = Profile::quick;
  std::vector<std::string> order_;
  std::map<std::string, Entry, std::less<>> entries_;
};

/// A setting that stands above the file: `-set='duration=2s'`.
struct ParameterOverride {
  std::string name, text, where;
};

/// Reads an experiment's TOML. Tables are [all] and the profiles; a profile's own value stands
/// above that of [all], `overrides` above both. Every parameter of `specs` must come out of it, and
/// `repeat`, which every experiment has. usage, with file, line and a suggestion: an unknown table
/// or name, a value of another kind or unit, a parameter that is missing, an intermediate or full
/// profile without repeats.
/// `path` is for messages.
Result<Parameters> readParameters(std::span<const ParameterSpec> specs, const std::string& path,
                                  std::string_view toml, Profile profile,
                                  std::span<const ParameterOverride> overrides = {});

/// "duration=2s; repeat=1" as -set has it.
Result<std::vector<ParameterOverride>> parseOverrides(std::string_view text);

}  // namespace redline
