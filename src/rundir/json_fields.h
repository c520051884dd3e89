#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "record/event.h"

namespace redline {

// For the .cc files of this room only: what the JSON files share.

using Json = nlohmann::ordered_json;  ///< keeps the order in which the contract lists its fields

/// Text that is not UTF-8 (a binary key in a slow-log entry) has its wrong bytes replaced.
std::string toText(const Json& json, int indent = -1);

/// The error has "name:line: "; `cutOff` is set when the text merely ends too early.
Result<Json> parseJson(std::string_view text, std::string_view name, std::size_t firstLine = 1,
                       bool* cutOff = nullptr);

Json configJson(const std::vector<std::pair<std::string, std::string>>& config);
Json figuresJson(const Figures& figures);

/// Reads the fields of a JSON object into variables and remembers the first one of a wrong type.
/// Fields that are missing or null leave their variable as it is: files of older versions have
/// fewer.
class JsonFields {
 public:
  /// `where` leads to the object, for messages: "rate", "servers[2]".
  JsonFields(const Json& json, std::string where, std::string& problem)
      : json_(json), where_(std::move(where)), problem_(problem) {
    if (!json.is_object()) refuse("", "an object");
  }

  template <typename T>
  void read(const char* name, T& to) {
    const Json* field = find(name);
    if (field != nullptr) take(*field, name, to);
  }

  /// Calls `visit(JsonFields)` when the object is there.
  template <typename Visit>
  void object(const char* name, Visit&& visit) {
    const Json* field = find(name);
    if (field != nullptr) visit(JsonFields(*field, pathOf(name), problem_));
  }

  /// Calls `visit(JsonFields)` for each object of a list.
  template <typename Visit>
  void eachOf(const char* name, Visit&& visit) {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_array()) {
      refuse(name, "a list");
      return;
    }
    std::size_t i = 0;
    for (const Json& element : *field)
      visit(JsonFields(element, pathOf(name) + "[" + std::to_string(i++) + "]", problem_));
  }

  /// Remembers that the field is not `wanted` ("a list"), unless there was a problem before.
  void refuse(std::string_view name, std::string_view wanted);

  /// Calls `visit(name, JsonFields)` for each member of an object whose names are data.
  template <typename Visit>
  void eachMember(Visit&& visit) {
    if (!json_.is_object()) return;
    for (const auto& [name, value] : json_.items())
      visit(name, JsonFields(value, pathOf(name), problem_));
  }

 private:
  const Json* find(const char* name) const {
    if (!json_.is_object()) return nullptr;
    const auto found = json_.find(name);
    return found == json_.end() || found->is_null() ? nullptr : &*found;
  }
  std::string pathOf(std::string_view name) const;

  void take(const Json& field, const char* name, bool& to);
  void take(const Json& field, const char* name, double& to);
  void take(const Json& field, const char* name, std::int64_t& to);
  void take(const Json& field, const char* name, std::uint64_t& to);
  void take(const Json& field, const char* name, unsigned& to);
  void take(const Json& field, const char* name, std::string& to);
  void take(const Json& field, const char* name, std::vector<std::string>& to);
  void take(const Json& field, const char* name, std::map<std::string, std::uint64_t>& to);
  void take(const Json& field, const char* name,
            std::vector<std::pair<std::string, std::string>>& to);
  void take(const Json& field, const char* name, std::vector<std::pair<std::string, double>>& to);

  const Json& json_;
  std::string where_;
  std::string& problem_;
};

}  // namespace redline
