#include "cmd/flag_values.h"

#include <fmt/format.h>

#include <cstdlib>

#include "os/console.h"

namespace redline {
namespace {

Result<FlagValue> value(FlagContent content, std::string canonical) {
  FlagValue result;
  result.content = std::move(content);
  result.text = std::move(canonical);
  return result;
}

Result<FlagValue> parseEndpoints(std::string_view text) {
  std::vector<Endpoint> endpoints;
  std::string canonical;
  FlagValue result;
  for (const std::string_view part : listElements(text)) {
    auto address = parseServerAddress(part);
    if (!address) return fail(std::move(address.error()));
    if (!canonical.empty()) canonical += ',';
    canonical += address->endpoint.text();
    const bool first = endpoints.empty();
    if (!first && (address->user != result.user || address->password != result.password))
      return fail(ErrorCode::usage,
                  "the URLs have different users or passwords: one login serves all nodes");
    result.tls = result.tls || address->tls;
    result.user = std::move(address->user);
    result.password = std::move(address->password);
    endpoints.push_back(std::move(address->endpoint));
  }
  result.content = std::move(endpoints);
  result.text = std::move(canonical);
  return result;
}

Result<FlagValue> parseHostPort(std::string_view text) {
  auto endpoint = parseEndpoint(text);
  if (!endpoint) return fail(ErrorCode::usage, "{}", endpoint.error().message);
  if (endpoint->isUnix())
    return fail(ErrorCode::usage, "'{}' is not HOST:PORT, e.g. 127.0.0.1:9100", text);
  std::string canonical = endpoint->text();
  return value(canonical, canonical);
}

Result<FlagValue> parseBase(const FlagSpec& spec, std::string_view text) {
  auto parsed = parseValue(spec.value(), text);
  if (!parsed) return fail(parsed.error());
  return value(
      std::visit([](auto& content) { return FlagContent{std::move(content)}; }, parsed->content),
      std::move(parsed->text));
}

}  // namespace

Result<FlagValue> parseFlagValue(const FlagSpec& spec, std::string_view text) {
  if (text.empty()) {
    if (spec.fallback.empty()) return value(FlagContent{}, "");
    return fail(ErrorCode::usage, "the value is empty; an example: {}",
                spec.example.empty() ? spec.fallback : spec.example);
  }
  if (spec.kind == ValueKind::endpoints) return parseEndpoints(text);
  if (spec.kind == ValueKind::hostPort) return parseHostPort(text);
  return parseBase(spec, text);
}

const FlagValue& FlagValues::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    printErr("redline: internal error: no flag -{} in this command's table\n", name);
    std::abort();
  }
  return found->second;
}

template <typename T>
const T& FlagValues::get(std::string_view name) const {
  static const T none{};
  const FlagValue& found = at(name);
  if (std::holds_alternative<std::monostate>(found.content)) return none;
  if (const T* const content = std::get_if<T>(&found.content)) return *content;
  printErr("redline: internal error: -{} is of another kind\n", name);
  std::abort();
}

std::uint64_t FlagValues::size(std::string_view name) const {
  return get<std::uint64_t>(name);
}
std::uint64_t FlagValues::count(std::string_view name) const {
  return get<std::uint64_t>(name);
}
Nanos FlagValues::duration(std::string_view name) const {
  return get<Nanos>(name);
}
double FlagValues::number(std::string_view name) const {
  return get<double>(name);
}
bool FlagValues::on(std::string_view name) const {
  return get<bool>(name);
}
const std::string& FlagValues::text(std::string_view name) const {
  return at(name).text;
}

const std::vector<Endpoint>& FlagValues::endpoints(std::string_view name) const {
  return get<std::vector<Endpoint>>(name);
}

const std::vector<unsigned>& FlagValues::cpus(std::string_view name) const {
  return get<std::vector<unsigned>>(name);
}

std::vector<std::pair<std::string, std::string>> FlagValues::config() const {
  std::vector<std::pair<std::string, std::string>> all;
  all.reserve(order_.size());
  for (const auto& name : order_) all.emplace_back(name, at(name).text);
  return all;
}

const std::string& FlagValues::positional(std::string_view name) const {
  static const std::string kNone;
  const auto found = positionals_.find(name);
  return found == positionals_.end() ? kNone : found->second;
}

void FlagValues::set(std::string_view name, FlagValue value) {
  const auto [at, added] = values_.insert_or_assign(std::string{name}, std::move(value));
  if (added) order_.push_back(at->first);
}

void FlagValues::setPositional(std::string_view name, std::string word) {
  positionals_.insert_or_assign(std::string{name}, std::move(word));
}

}  // namespace redline
