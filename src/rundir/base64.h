#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redline {

/// RFC 4648 with padding and no line breaks, as HdrHistogram's logs have it.
std::string toBase64(std::string_view bytes);

/// Nothing when `text` is not base64: its length is not a multiple of four, or it holds an invalid
/// character.
std::optional<std::string> fromBase64(std::string_view text);

}  // namespace redline
