#include "json/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace redline {

using Json = nlohmann::ordered_json;  // keeps the order of the fields

void JsonWriter::field(std::string_view name, bool value) {
  object_[std::string(name)] = value;
}
void JsonWriter::field(std::string_view name, double value) {
  object_[std::string(name)] = value;
}
void JsonWriter::field(std::string_view name, std::string_view value) {
  object_[std::string(name)] = value;
}
void JsonWriter::field(std::string_view name, const std::filesystem::path& value) {
  object_[std::string(name)] = value.native();
}
void JsonWriter::field(std::string_view name, const std::vector<std::string>& value) {
  object_[std::string(name)] = value;
}
void JsonWriter::integer(std::string_view name, std::int64_t value) {
  object_[std::string(name)] = value;
}
void JsonWriter::natural(std::string_view name, std::uint64_t value) {
  object_[std::string(name)] = value;
}

void JsonWriter::field(std::string_view name, const TextPairs& value) {
  JsonWriter pairs = child(name);
  for (const auto& [key, text] : value) pairs.field(key, text);
}
void JsonWriter::field(std::string_view name, const NumberPairs& value) {
  JsonWriter pairs = child(name);
  for (const auto& [key, number] : value) pairs.field(key, number);
}
void JsonWriter::field(std::string_view name, const Counts& value) {
  JsonWriter pairs = child(name);
  for (const auto& [key, count] : value) pairs.field(key, count);
}
void JsonWriter::finiteFigures(std::string_view name, const NumberPairs& figures) {
  JsonWriter pairs = child(name);
  for (const auto& [key, number] : figures)
    if (std::isfinite(number)) pairs.field(key, number);
}

JsonWriter JsonWriter::child(std::string_view name) {
  Json& object = object_[std::string(name)];
  if (object.is_null()) object = Json::object();
  return JsonWriter(object);
}

void JsonWriter::startList(std::string_view name) {
  object_[std::string(name)] = Json::array();
}

JsonWriter JsonWriter::element(std::string_view list) {
  return JsonWriter(object_[std::string(list)].emplace_back(Json::object()));
}

JsonReader::JsonReader(const Json& json, std::string where, Context& context)
    : json_(json), where_(std::move(where)), context_(context) {
  if (!json.is_object()) refuse("", "an object");
}

const Json* JsonReader::find(std::string_view name) {
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(std::string(name));
  if (found != json_.end() && !found->is_null()) return &*found;
  if (context_.missing == MissingField::isRefused && context_.problem.empty())
    context_.problem = fmt::format("{} is missing", pathOf(name));
  return nullptr;
}

std::string JsonReader::pathOf(std::string_view name) const {
  if (where_.empty() || name.empty()) return where_ + std::string(name);
  return fmt::format("{}.{}", where_, name);
}

void JsonReader::refuse(std::string_view name, std::string_view wanted) {
  if (!context_.problem.empty()) return;
  const std::string path = pathOf(name);
  context_.problem = fmt::format("{} is not {}", path.empty() ? "the whole" : path, wanted);
}

void JsonReader::schema(unsigned number) {
  unsigned found = 0;
  field("schema", found);
  if (context_.problem.empty() && found != number)
    context_.problem = fmt::format("schema {} where {} is read", found, number);
}

void JsonReader::field(std::string_view name, bool& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_boolean()) return refuse(name, "true or false");
  to = json->get<bool>();
}

void JsonReader::field(std::string_view name, double& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_number()) return refuse(name, "a number");
  to = json->get<double>();
}

std::int64_t JsonReader::integer(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                 std::int64_t max) {
  const Json* const json = find(name);
  if (json == nullptr) return otherwise;
  const bool tooLarge = json->is_number_unsigned() && json->get<std::uint64_t>() > INT64_MAX;
  const std::int64_t value = json->is_number_integer() ? json->get<std::int64_t>() : 0;
  if (json->is_number_integer() && !tooLarge && value >= min && value <= max) return value;
  refuse(name, json->is_number_integer() ? fmt::format("a whole number from {} to {}", min, max)
                                         : "a whole number");
  return otherwise;
}

std::uint64_t JsonReader::natural(std::string_view name, std::uint64_t otherwise,
                                  std::uint64_t max) {
  const Json* const json = find(name);
  if (json == nullptr) return otherwise;
  const bool whole = json->is_number_unsigned();
  if (whole && json->get<std::uint64_t>() <= max) return json->get<std::uint64_t>();
  refuse(name, whole ? fmt::format("a whole number from 0 to {}", max) : "a whole number");
  return otherwise;
}

void JsonReader::field(std::string_view name, std::string& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_string()) return refuse(name, "a text");
  to = json->get<std::string>();
}

void JsonReader::field(std::string_view name, std::filesystem::path& to) {
  std::string text = to.native();
  field(name, text);
  to = text;
}

void JsonReader::field(std::string_view name, std::vector<std::string>& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_array()) return refuse(name, "a list");
  to.clear();
  for (const Json& element : *json) {
    if (!element.is_string()) return refuse(name, "a list of texts");
    to.push_back(element.get<std::string>());
  }
}

void JsonReader::field(std::string_view name, Counts& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : json->items()) {
    if (!value.is_number_unsigned()) return refuse(name, "an object of whole numbers");
    to.emplace(key, value.get<std::uint64_t>());
  }
}

void JsonReader::field(std::string_view name, TextPairs& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : json->items())
    to.emplace_back(key, value.is_string() ? value.get<std::string>() : value.dump());
}

void JsonReader::field(std::string_view name, NumberPairs& to) {
  const Json* const json = find(name);
  if (json == nullptr) return;
  if (!json->is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : json->items()) {
    if (!value.is_number() && !value.is_null()) return refuse(name, "an object of numbers");
    to.emplace_back(key, value.is_null() ? kNaN : value.get<double>());
  }
}

std::size_t JsonReader::nameAt(std::string_view name, std::size_t otherwise, EnumNames names) {
  std::string text(names[otherwise]);
  field(name, text);
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  refuse(name, "one of the names that docs/run-format.md lists");
  return otherwise;
}

JsonReader JsonReader::child(std::string_view name) {
  return {*json_.find(std::string(name)), pathOf(name), context_};
}

std::size_t JsonReader::lengthOf(std::string_view list) {
  const Json* const json = find(list);
  if (json != nullptr && json->is_array()) return json->size();
  refuse(list, "a list");
  return 0;
}

JsonReader JsonReader::element(std::string_view list, std::size_t index) {
  return {(*json_.find(std::string(list)))[index], fmt::format("{}[{}]", pathOf(list), index),
          context_};
}

std::vector<std::string> JsonReader::names() const {
  std::vector<std::string> found;
  if (!json_.is_object()) return found;
  for (const auto& [name, value] : json_.items()) found.push_back(name);
  return found;
}

JsonDocument::JsonDocument() : root_(std::make_unique<Json>(Json::object())) {}
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view place,
                                         std::size_t firstLine, bool* cutOff) {
  JsonDocument document;
  // The only exceptions caught in this room: the library reports the position of an error in no
  // other way.
  try {
    *document.root_ = Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min(error.byte, text.size());
    if (cutOff != nullptr) *cutOff = error.byte > text.size();
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return fail(ErrorCode::invalidInput, "{}:{}: not JSON, byte {} of {}", place,
                firstLine + static_cast<std::size_t>(line), error.byte, text.size());
  } catch (const Json::out_of_range&) {
    return fail(ErrorCode::invalidInput, "{}: number out of range", place);
  }
  return document;
}

std::string JsonDocument::text(int indent) const {
  return root_->dump(indent, ' ', false, Json::error_handler_t::replace);
}

JsonWriter JsonDocument::writer() {
  return JsonWriter(*root_);
}

JsonReader JsonDocument::reader(JsonReader::Context& context) const {
  return {*root_, "", context};
}

tl::unexpected<Error> jsonProblem(const JsonSource& source, std::string_view problem) {
  if (source.line == 0) return fail(ErrorCode::invalidInput, "{}: {}", source.name, problem);
  return fail(ErrorCode::invalidInput, "{}:{}: {}", source.name, source.line, problem);
}

}  // namespace redline
