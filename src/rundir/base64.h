#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace redline {

/// RFC 4648 with padding and no line breaks, as HdrHistogram's logs have it.
std::string toBase64(std::string_view bytes);

/// Nothing when `text` is not base64: its length is no multiple of four, or it holds a strange
/// letter.
std::optional<std::string> fromBase64(std::string_view text);

}  // namespace redline
