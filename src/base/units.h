#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace redline {

// Every quantity a person types or reads goes through here. An error names the text, what is wrong
// with it and an example that would be right.

/// "4KB", "100", "1.5GiB", "64mb": bytes. KB, MB, GB, TB are powers of 1024 as in Redis's own
/// configuration, and so are KiB …; a bare number is bytes. Case does not matter.
Result<std::uint64_t> parseSize(std::string_view text);
/// "60s", "250us", "1.5ms", "5m", "1h", "2h30m", "100ns". A bare "0" is allowed, other bare numbers
/// are not.
Result<Nanos> parseDuration(std::string_view text);
/// "100M", "8k", "1.5M", "1e6", "42": powers of 1000 (k, M, G). Whole numbers only.
Result<std::uint64_t> parseCount(std::string_view text);
/// "0.9", "1.2e-3", "30%" (= 0.3).
Result<double> parseNumber(std::string_view text);
/// "true|false|yes|no|on|off|1|0".
Result<bool> parseBool(std::string_view text);

/// "17.4 GB" (powers of 1024), "640 B".
std::string formatSize(std::uint64_t bytes);
/// "1.25 ms", "87 µs", "3.2 s", "4m10s": three significant digits.
std::string formatDuration(Nanos span);
/// The same for a finite number of microseconds.
std::string formatMicros(double us);
/// "1.27M", "528k", "999".
std::string formatCount(double count);
/// "35.6%" for 0.356, and "99.998%" where one digit would round a loss away; "–" when not finite.
std::string formatShare(double share);
/// A figure in its unit, for people: "us", "s", "share", "bytes", "count", "ops/s", "x" (a
/// multiple), or any other unit's name, which is put behind. "–" when not finite.
std::string formatQuantity(double value, std::string_view unit);

}  // namespace redline
