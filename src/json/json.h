#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/numbers.h"
#include "base/result.h"

namespace redline {

// A struct is mapped to JSON once, for reading and writing:
//
//   void visit(auto& json, MappedAs<Point> auto& point) {
//     json.field("x", point.x);
//     json.field("y", point.y);
//   }
//
// To add a member, add a line. The order of the lines is the order in the file. `visit` is found by
// its arguments: it must be in namespace redline and not in an unnamed namespace. writeJson() and
// readJson() call it with a JsonWriter and a JsonReader, which have the same methods.
//
// A field may be a bool, a number, a text, a path, a mapped struct, a list of texts or of mapped
// structs, one of the three kinds of pairs below, or an enum with the names of its values. A field
// that is only written under a condition: `if (json.kReads || condition) json.field(…)`.

/// `T` is `Plain`, or const when it is written.
template <typename T, typename Plain>
concept MappedAs = std::same_as<std::remove_const_t<T>, Plain>;

using TextPairs = std::vector<std::pair<std::string, std::string>>;
using NumberPairs = std::vector<std::pair<std::string, double>>;
using Counts = std::map<std::string, std::uint64_t>;
/// What the enumerators are called in the file, in the order of their declaration.
using EnumNames = std::span<const std::string_view>;

template <typename T>
concept JsonEnum = std::is_enum_v<T>;
template <typename T>
concept JsonStruct = std::is_class_v<T>;

/// Writes the fields of one object.
class JsonWriter {
 public:
  static constexpr bool kReads = false;

  explicit JsonWriter(nlohmann::ordered_json& object) : object_(object) {}

  void field(std::string_view name, bool value);
  void field(std::string_view name, double value);  ///< null when not finite
  void field(std::string_view name, std::string_view value);
  void field(std::string_view name, const std::string& value) {
    field(name, std::string_view(value));
  }
  void field(std::string_view name, const char* value) { field(name, std::string_view(value)); }
  void field(std::string_view name, const std::filesystem::path& value);
  void field(std::string_view name, const std::vector<std::string>& value);
  void field(std::string_view name, const TextPairs& value);
  void field(std::string_view name, const NumberPairs& value);
  void field(std::string_view name, const Counts& value);
  template <std::signed_integral T>
  void field(std::string_view name, T value) {
    integer(name, std::int64_t{value});
  }
  template <std::unsigned_integral T>
  void field(std::string_view name, T value) {
    natural(name, std::uint64_t{value});
  }
  template <JsonEnum T>
  void field(std::string_view name, T value, EnumNames names) {
    field(name, names[static_cast<std::size_t>(value)]);
  }
  template <JsonStruct T>
  void field(std::string_view name, const T& value) {
    JsonWriter fields = child(name);
    visit(fields, value);
  }
  template <typename T>
  void field(std::string_view name, const std::vector<T>& values) {
    startList(name);
    for (const T& value : values) {
      JsonWriter fields = element(name);
      visit(fields, value);
    }
  }
  /// Without the figures that are not finite.
  void finiteFigures(std::string_view name, const NumberPairs& figures);
  /// null when it is not a number.
  void numberOrNaN(std::string_view name, double value) { field(name, value); }
  /// What follows from other fields: for people and other programs, not read back.
  template <typename Value>
  void derived(std::string_view name, Value&& value) {
    field(name, value());
  }
  /// An object without a struct of its own: `fields(json)`. Called again for the same object, it
  /// adds to it.
  template <typename Fields>
  void object(std::string_view name, Fields&& fields) {
    JsonWriter json = child(name);
    fields(json);
  }
  /// The first field of a file.
  void schema(unsigned number) { field("schema", number); }

 private:
  void integer(std::string_view name, std::int64_t value);
  void natural(std::string_view name, std::uint64_t value);
  JsonWriter child(std::string_view name);
  void startList(std::string_view name);
  JsonWriter element(std::string_view list);

  nlohmann::ordered_json& object_;
};

/// What a reader does about a field that is not there, or null.
enum class MissingField : std::uint8_t {
  keepsDefault,  ///< files of older versions have fewer
  isRefused,
};

/// Reads the fields of one object and remembers the first problem: a field of a wrong type. Fields
/// that it is not asked for are ignored.
class JsonReader {
 public:
  static constexpr bool kReads = true;

  struct Context {
    MissingField missing = MissingField::keepsDefault;
    std::string problem;  ///< "servers[2].ops is not a whole number"; empty: none
  };

  /// `where` leads to the object, for messages: "rate", "servers[2]".
  JsonReader(const nlohmann::ordered_json& json, std::string where, Context& context);

  void field(std::string_view name, bool& to);
  void field(std::string_view name, double& to);
  void field(std::string_view name, std::string& to);
  void field(std::string_view name, std::filesystem::path& to);
  void field(std::string_view name, std::vector<std::string>& to);
  void field(std::string_view name, TextPairs& to);
  void field(std::string_view name, NumberPairs& to);  ///< null is NaN
  void field(std::string_view name, Counts& to);
  template <std::signed_integral T>
  void field(std::string_view name, T& to) {
    using Limits = std::numeric_limits<T>;
    to = static_cast<T>(integer(name, to, Limits::min(), Limits::max()));
  }
  template <std::unsigned_integral T>
  void field(std::string_view name, T& to) {
    to = static_cast<T>(natural(name, to, std::numeric_limits<T>::max()));
  }
  template <JsonEnum T>
  void field(std::string_view name, T& to, EnumNames names) {
    to = static_cast<T>(nameAt(name, static_cast<std::size_t>(to), names));
  }
  template <JsonStruct T>
  void field(std::string_view name, T& to) {
    object(name, [&](JsonReader& fields) { visit(fields, to); });
  }
  template <typename T>
  void field(std::string_view name, std::vector<T>& to) {
    if (find(name) == nullptr) return;
    to.clear();
    const std::size_t count = lengthOf(name);
    for (std::size_t i = 0; i < count; ++i) {
      JsonReader fields = element(name, i);
      visit(fields, to.emplace_back());
    }
  }
  void finiteFigures(std::string_view name, NumberPairs& to) { field(name, to); }
  /// NaN where it is missing or null, whatever it was before.
  void numberOrNaN(std::string_view name, double& to) {
    to = kNaN;
    field(name, to);
  }
  template <typename Value>
  void derived(std::string_view, Value&&) {}
  template <typename Fields>
  void object(std::string_view name, Fields&& fields) {
    if (find(name) == nullptr) return;
    JsonReader json = child(name);
    fields(json);
  }
  /// Refuses a file of another number.
  void schema(unsigned number);

  /// Calls `each(name, JsonReader&)` for each member of an object whose names are data.
  template <typename Each>
  void members(Each&& each) {
    for (const std::string& name : names()) {
      JsonReader fields = child(name);
      each(name, fields);
    }
  }

 private:
  const nlohmann::ordered_json* find(std::string_view name);
  std::string pathOf(std::string_view name) const;
  /// Remembers that the field is not `wanted` ("a list"), unless there was a problem before.
  void refuse(std::string_view name, std::string_view wanted);
  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t min,
                       std::int64_t max);
  std::uint64_t natural(std::string_view name, std::uint64_t otherwise, std::uint64_t max);
  std::size_t nameAt(std::string_view name, std::size_t otherwise, EnumNames names);
  JsonReader child(std::string_view name);
  std::size_t lengthOf(std::string_view list);  ///< 0 when it is not a list, which is refused
  JsonReader element(std::string_view list, std::size_t index);
  std::vector<std::string> names() const;

  const nlohmann::ordered_json& json_;
  std::string where_;
  Context& context_;
};

/// A whole JSON text, and what is wrong with it.
class JsonDocument {
 public:
  JsonDocument();  ///< an empty object
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;

  /// The error is "place: not JSON, byte …"; `cutOff`, when given, is set if the text merely ends
  /// too early. Lines count from `firstLine`.
  static Result<JsonDocument> parse(std::string_view text, std::string_view place,
                                    std::size_t firstLine = 1, bool* cutOff = nullptr);
  /// Text that is not UTF-8 (a binary key in a slow-log entry) has its wrong bytes replaced.
  /// `indent` -1: all on one line. No newline at the end.
  std::string text(int indent) const;

  JsonWriter writer();
  JsonReader reader(JsonReader::Context& context) const;

 private:
  std::unique_ptr<nlohmann::ordered_json> root_;
};

/// `value` by its visit(). `indent` -1: all on one line. No newline at the end.
template <typename T>
std::string writeJson(const T& value, int indent = -1) {
  JsonDocument document;
  JsonWriter fields = document.writer();
  visit(fields, value);
  return document.text(indent);
}

/// Where a text comes from, for messages.
struct JsonSource {
  std::string_view name;
  std::size_t line = 0;    ///< of a file with one document in each line; 0: the text is the file
  bool* cutOff = nullptr;  ///< when given: set if the text merely ends too early
};

/// The error of everything that is wrong with a document: "name: servers is not a list".
tl::unexpected<Error> jsonProblem(const JsonSource& source, std::string_view problem);

/// A T by its visit().
template <typename T>
Result<T> readJson(std::string_view text, const JsonSource& source,
                   MissingField missing = MissingField::keepsDefault) {
  const auto document =
      JsonDocument::parse(text, source.name, source.line == 0 ? 1 : source.line, source.cutOff);
  if (!document) return fail(document.error());
  JsonReader::Context context{missing, {}};
  JsonReader fields = document->reader(context);
  T value;
  visit(fields, value);
  if (!context.problem.empty()) return jsonProblem(source, context.problem);
  return value;
}

}  // namespace redline
