#include "cmd/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/toml_nesting.h"

namespace redline {
namespace {

std::string place(const std::string& path, const toml::source_region& source) {
  return fmt::format("{}:{}", path, source.begin.line);
}

Result<std::string> asText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* truth = node.as_boolean()) return std::string{truth->get() ? "true" : "false"};
  return fail(ErrorCode::usage, "is neither a string, a number, nor true or false");
}

Status read(const std::string& path, const toml::table& from, const std::string& name,
            ConfigFile& into) {
  for (const auto& [key, node] : from) {
    const std::string where = place(path, key.source());
    if (const auto* const inner = node.as_table(); inner != nullptr && name.empty()) {
      into.tables.push_back({std::string{key.str()}, where});
      if (auto status = read(path, *inner, std::string{key.str()}, into); !status) return status;
      continue;
    }
    auto text = asText(node);
    if (!text) return fail(ErrorCode::usage, "{}: {} {}", where, key.str(), text.error().message);
    into.entries.push_back({name, std::string{key.str()}, std::move(*text), where});
  }
  return {};
}

}  // namespace

Result<ConfigFile> parseConfigFile(const std::string& path, std::string_view content) {
  ConfigFile file;
  if (const auto line = lineNestedTooDeep(content))
    return fail(ErrorCode::usage,
                "{}:{}: nested more than {} deep: flags are at the top level or in "
                "a table named after the sub-command",
                path, *line, kMostTomlNesting);
  // toml++ reports syntax errors by exception; they end here.
  try {
    const toml::table document = toml::parse(content, path);
    if (auto status = read(path, document, "", file); !status) return fail(status.error());
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::usage, "{}: not TOML: {}", place(path, error.source()),
                error.description());
  }
  return file;
}

}  // namespace redline
