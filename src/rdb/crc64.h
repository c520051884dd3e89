#pragma once

#include <cstdint>
#include <string_view>

namespace redline {

/// CRC-64 as Redis uses it for its RDB files: Jones's polynomial 0xad93d23594c935a9, reflected,
/// initial value 0, no final xor. Of bytes that come in pieces: crc64(crc64(0, first), second).
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) noexcept;

}  // namespace redline
