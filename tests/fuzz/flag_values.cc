// Values of flags: the first byte chooses the kind. A value's canonical text reads to the same
// value and the same text again.
#include "cmd/flag_values.h"

#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  if (size == 0) return 0;
  constexpr unsigned kKinds = static_cast<unsigned>(ValueKind::endpoints) + 1;
  FlagSpec spec;
  spec.name = "flag";
  spec.kind = static_cast<ValueKind>(data[0] % kKinds);
  spec.example = "1";
  spec.positive = data[0] >= 128;
  if (spec.kind == ValueKind::choice || data[0] % 2 == 1) spec.choices = {"max", "auto"};
  const auto value = parseFlagValue(spec, textOf(data + 1, size - 1));
  if (!value) {
    require(value.error().code == ErrorCode::usage, "an error that is not one of use");
    return 0;
  }
  const auto again = parseFlagValue(spec, value->text);
  require(again.has_value(), "a canonical text is refused");
  require(again->text == value->text, "a canonical text has another canonical text");
  require(again->content.index() == value->content.index(), "a value of another kind");
  if (const auto* number = std::get_if<std::uint64_t>(&value->content))
    require(*number == std::get<std::uint64_t>(again->content), "another number");
  if (const auto* span = std::get_if<Nanos>(&value->content))
    require(*span == std::get<Nanos>(again->content) && *span >= 0, "another duration");
  if (const auto* real = std::get_if<double>(&value->content))
    require(*real == std::get<double>(again->content), "another real number");
  return 0;
}
