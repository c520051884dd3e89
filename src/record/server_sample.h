#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace redline {

/// One reading of one server's INFO, on the run's clock.
struct ServerSample {
  Nanos at = 0;
  std::string addr;  ///< "127.0.0.1:7600"
  std::string role;  ///< "master" or "replica"
  /// INFO's fields by their own names ("used_memory", "keyspace_hits", "cmdstat_get", …), as sent.
  std::map<std::string, std::string, std::less<>> info;

  /// A field as it was sent; empty when it is missing.
  std::string text(std::string_view field) const;
  /// A field as a number; `otherwise` when it is missing or not a number.
  double number(std::string_view field, double otherwise = 0) const;
};

}  // namespace redline
