#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace redline {

/// Appends one command as RESP sends it: an array of bulk strings. Arguments may hold any bytes.
/// For whatever is not an Operation: administration, handshakes, tests. The hot path has its own.
void appendCommand(std::string& out, std::span<const std::string_view> args);
void appendCommand(std::string& out, std::span<const std::string> args);
void appendCommand(std::string& out, std::initializer_list<std::string_view> args);

}  // namespace redline
