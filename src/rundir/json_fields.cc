#include "rundir/json_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/numbers.h"

namespace redline {

std::string toText(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parseJson(std::string_view text, std::string_view name, std::size_t firstLine,
                       bool* cutOff) {
  // The only exceptions caught in this room: the library tells where it stumbled in no other way.
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min(error.byte, text.size());
    if (cutOff != nullptr) *cutOff = error.byte > text.size();
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return fail(ErrorCode::invalidInput, "{}:{}: not JSON, byte {} of {}", name,
                firstLine + static_cast<std::size_t>(line), error.byte, text.size());
  } catch (const Json::out_of_range&) {
    return fail(ErrorCode::invalidInput, "{}: a number in it is larger than any that can be", name);
  }
}

Json configJson(const std::vector<std::pair<std::string, std::string>>& config) {
  Json json = Json::object();
  for (const auto& [name, value] : config) json[name] = value;
  return json;
}

Json figuresJson(const Figures& figures) {
  Json json = Json::object();
  for (const auto& [name, value] : figures)
    if (std::isfinite(value)) json[name] = value;  // JSON has no other numbers
  return json;
}

std::string JsonFields::pathOf(std::string_view name) const {
  if (where_.empty() || name.empty()) return where_ + std::string(name);
  return fmt::format("{}.{}", where_, name);
}

void JsonFields::refuse(std::string_view name, std::string_view wanted) {
  if (!problem_.empty()) return;
  const std::string path = pathOf(name);
  problem_ = fmt::format("{} is not {}", path.empty() ? "the whole" : path, wanted);
}

void JsonFields::take(const Json& field, const char* name, bool& to) {
  if (!field.is_boolean()) return refuse(name, "true or false");
  to = field.get<bool>();
}

void JsonFields::take(const Json& field, const char* name, double& to) {
  if (!field.is_number()) return refuse(name, "a number");
  to = field.get<double>();
}

void JsonFields::take(const Json& field, const char* name, std::int64_t& to) {
  if (!field.is_number_integer()) return refuse(name, "a whole number");
  to = field.get<std::int64_t>();
}

void JsonFields::take(const Json& field, const char* name, std::uint64_t& to) {
  if (!field.is_number_unsigned()) return refuse(name, "a whole number");
  to = field.get<std::uint64_t>();
}

void JsonFields::take(const Json& field, const char* name, unsigned& to) {
  if (!field.is_number_unsigned()) return refuse(name, "a whole number");
  to = field.get<unsigned>();
}

void JsonFields::take(const Json& field, const char* name, std::string& to) {
  if (!field.is_string()) return refuse(name, "a text");
  to = field.get<std::string>();
}

void JsonFields::take(const Json& field, const char* name, std::vector<std::string>& to) {
  if (!field.is_array()) return refuse(name, "a list");
  to.clear();
  for (const Json& element : field) {
    if (!element.is_string()) return refuse(name, "a list of texts");
    to.push_back(element.get<std::string>());
  }
}

void JsonFields::take(const Json& field, const char* name,
                      std::map<std::string, std::uint64_t>& to) {
  if (!field.is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : field.items()) {
    if (!value.is_number_unsigned()) return refuse(name, "an object of whole numbers");
    to.emplace(key, value.get<std::uint64_t>());
  }
}

void JsonFields::take(const Json& field, const char* name,
                      std::vector<std::pair<std::string, std::string>>& to) {
  if (!field.is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : field.items())
    to.emplace_back(key, value.is_string() ? value.get<std::string>() : toText(value));
}

void JsonFields::take(const Json& field, const char* name,
                      std::vector<std::pair<std::string, double>>& to) {
  if (!field.is_object()) return refuse(name, "an object");
  to.clear();
  for (const auto& [key, value] : field.items()) {
    if (!value.is_number() && !value.is_null()) return refuse(name, "an object of numbers");
    to.emplace_back(key, value.is_null() ? kNaN : value.get<double>());
  }
}

}  // namespace redline
