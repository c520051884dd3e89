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

/// One parameter of a fault. The flags of `redline chaos` are made of these, and so is what may
/// stand behind a fault's name in a chaos plan.
struct FaultParameter {
  std::string_view name;  ///< without dashes
  ValueKind kind = ValueKind::text;
  std::string_view fallback = {};   ///< the default, as one would type it; empty: none
  std::string_view help = {};       ///< one sentence for people, no full stop
  std::string_view example = {};    ///< a value worth showing
  std::string_view whenEmpty = {};  ///< what an empty default means
  std::vector<std::string_view> choices = {};
  /// What is accepted at the least and at the most, as one would type it; empty: no limit.
  std::string_view least = {}, most = {};

  ValueSpec value() const { return {kind, choices, false, least, most, example}; }
};

/// A parameter as given: its name without dashes, and its value as a text.
using GivenParameter = std::pair<std::string, std::string>;

/// Every parameter of one fault with its value: given, or by default. The getters take a parameter
/// of that kind; one that has neither value nor default reads as zero, false or empty.
class FaultArguments {
 public:
  /// usage: a name that the fault has not (with a suggestion), a name given twice, a value that
  /// cannot be read. `fault` names the fault in errors.
  static Result<FaultArguments> parse(std::string_view fault,
                                      std::span<const FaultParameter> parameters,
                                      std::span<const GivenParameter> given);

  std::uint64_t size(std::string_view name) const;
  Nanos duration(std::string_view name) const;
  std::uint64_t count(std::string_view name) const;
  bool on(std::string_view name) const;
  /// Any parameter's text: a choice's word, a text itself.
  const std::string& text(std::string_view name) const;
  bool given(std::string_view name) const;

 private:
  struct Argument {
    ValueContent content;  ///< monostate: neither a value nor a default
    std::string text;      ///< as given
    bool given = false;
  };
  const Argument& at(std::string_view name) const;
  template <typename T>
  T get(std::string_view name) const;

  std::map<std::string, Argument, std::less<>> arguments_;
};

}  // namespace redline
