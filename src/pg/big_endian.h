#pragma once

#include <concepts>
#include <cstring>
#include <string>

namespace redline {

// Numbers as PostgreSQL's binary formats have them.

template <std::unsigned_integral T>
void writeBigEndian(char* out, T number) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out[i] = static_cast<char>(number >> (8 * (sizeof(T) - 1 - i)));
}

template <std::unsigned_integral T>
void appendBigEndian(std::string& out, T number) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  writeBigEndian(out.data() + at, number);
}

template <std::unsigned_integral T>
T readBigEndian(const char* bytes) noexcept {
  T number = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    number = static_cast<T>(static_cast<T>(number << 8) | static_cast<unsigned char>(bytes[i]));
  return number;
}

}  // namespace redline
