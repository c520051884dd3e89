#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/typed_value.h"
#include "cmd/command.h"
#include "transport/endpoint.h"

namespace redline {

/// As ValueContent, and addresses. Empty (monostate): the flag has no value, or one of its
/// additional words.
using FlagContent = std::variant<std::monostate, std::uint64_t, Nanos, double, bool, std::string,
                                 std::vector<Endpoint>, std::vector<unsigned>>;

enum class FlagSource { fallback, file, environment, commandLine };

struct FlagValue {
  FlagContent content;
  std::string text;            ///< canonical: parses to the same value again
  std::string user, password;  ///< of the URLs among endpoints; never printed or written
  bool tls = false;            ///< one of them is a rediss:// URL
  FlagSource source = FlagSource::fallback;
  std::string where;  ///< "-keys", "REDLINE_KEYS", "lab.toml:3" or "default"
};

/// Reads `text` as `spec` asks. The error does not name the flag; the caller knows where it came
/// from.
Result<FlagValue> parseFlagValue(const FlagSpec& spec, std::string_view text);

/// Every flag of one sub-command, resolved. The getters take the flag's name and stop the program
/// when the table has no such flag or another kind: a mistake in redline, not in its use.
class FlagValues {
 public:
  std::uint64_t size(std::string_view name) const;  ///< bytes
  std::uint64_t count(
      std::string_view name) const;  ///< also for a count with words: check is() first
  Nanos duration(std::string_view name) const;
  double number(std::string_view name) const;  ///< numbers and shares
  bool on(std::string_view name) const;        ///< booleans
  const std::vector<Endpoint>& endpoints(std::string_view name) const;
  const std::vector<unsigned>& cpus(std::string_view name) const;  ///< empty: not pinned
  /// The canonical text of any flag; the value itself for text, choice, path and host:port.
  const std::string& text(std::string_view name) const;

  /// The value is this word: a choice, or an extra word such as "max".
  bool is(std::string_view name, std::string_view word) const { return text(name) == word; }
  bool empty(std::string_view name) const { return text(name).empty(); }
  /// It was set: by flag, environment or file.
  bool given(std::string_view name) const { return at(name).source != FlagSource::fallback; }
  const FlagValue& at(std::string_view name) const;
  /// The command has this flag.
  bool has(std::string_view name) const { return values_.contains(name); }

  /// Every flag as resolved, in table order, for the summary's `config`.
  std::vector<std::pair<std::string, std::string>> config() const;

  /// The word given (or its default) for the positional of that name; empty when left out.
  const std::string& positional(std::string_view name) const;
  /// Every word as given, for a positional that may be repeated.
  const std::vector<std::string>& positionalWords() const { return words_; }
  /// `-help` or `-h` was among the arguments; the others were not read.
  bool helpRequested() const { return helpRequested_; }

  void set(std::string_view name, FlagValue value);
  void setPositional(std::string_view name, std::string word);
  void setPositionalWords(std::vector<std::string> words) { words_ = std::move(words); }
  void setHelpRequested() { helpRequested_ = true; }

 private:
  template <typename T>
  const T& get(std::string_view name) const;

  std::vector<std::string> order_;
  std::map<std::string, FlagValue, std::less<>> values_;
  std::map<std::string, std::string, std::less<>> positionals_;
  std::vector<std::string> words_;
  bool helpRequested_ = false;
};

}  // namespace redline
