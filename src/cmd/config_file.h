#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace redline {

/// One setting of a configuration file.
struct ConfigEntry {
  std::string table;  ///< the sub-command's table it stands in; empty at the top level
  std::string key;
  std::string text;   ///< the value as one would type it after a flag
  std::string where;  ///< "lab.toml:3"
};

/// A table's own heading, so that a misspelt one is refused even when it is empty.
struct ConfigTable {
  std::string name;
  std::string where;
};

struct ConfigFile {
  std::vector<ConfigEntry> entries;
  std::vector<ConfigTable> tables;
};

/// Reads TOML. Values are strings, numbers and booleans; tables are one level deep. Whether the
/// names mean anything is the caller's to judge.
Result<ConfigFile> parseConfigFile(const std::string& path, std::string_view content);

}  // namespace redline
