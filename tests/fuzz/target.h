#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace redline {

inline std::string_view textOf(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the run; libFuzzer keeps the input.
[[noreturn]] inline void disagree(const std::string& what) {
  std::fprintf(stderr, "disagreement: %s\n", what.c_str());
  std::abort();
}

inline void require(bool holds, const char* what) {
  if (!holds) disagree(what);
}

}  // namespace redline
