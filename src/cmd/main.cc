#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cmd/dispatch.h"

int main(int argc, char** argv) {
  std::vector<std::string> environment;
  for (char** setting = environ; setting != nullptr && *setting != nullptr; ++setting)
    environment.emplace_back(*setting);
  // Expected failures are values; what arrives here is out-of-memory or a bug.
  try {
    return redline::dispatch({argv, argv + argc}, environment);
  } catch (const std::exception& error) {
    fmt::print(stderr, "redline: {}\n", error.what());
    return 1;
  }
}
