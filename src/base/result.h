#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/text.h"

namespace redline {

/// Why an operation on the outside world failed. The message says what is wrong and what to do;
/// the code is for callers that decide (exit codes, retries).
enum class ErrorCode {
  usage,         ///< a flag, a value or a combination of them is wrong (exit code 2)
  invalidInput,  ///< malformed content of a file, or malformed bytes from a peer
  io,            ///< the operating system refused: files, sockets, processes
  noSpace,       ///< a disk or a memory limit is, or would be, full
  unreachable,   ///< nothing listens there, or the connection was lost
  refused,       ///< the peer refused: password, permission, version, not a Redis
  timeout,       ///< no answer in time
  unsafe,        ///< would harm something that redline did not create; `-force` overrides
  interrupted,   ///< a signal ended it early
};

struct Error {
  ErrorCode code = ErrorCode::io;
  std::string message;  ///< one line, no trailing full stop or newline

  bool operator==(const Error&) const = default;
};

/// A value, or the one reason why there is none. Expected failures are values; exceptions are not
/// used.
template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// An argument of a message: text comes from anywhere, and may hold anything.
template <typename T>
decltype(auto) messageArgument(T& value) {
  if constexpr (std::is_convertible_v<T&, std::string_view>)
    return printable(value);
  else
    return (value);
}

/// `return fail(ErrorCode::io, "cannot open {}: {}", path, why);`
/// Every text among the arguments is made printable().
template <typename... Args>
tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  const auto made = [&](const auto&... clean) {
    return fmt::vformat(format, fmt::make_format_args(clean...));
  };
  return tl::make_unexpected(Error{code, made(messageArgument(args)...)});
}

/// Passes on the failure of another call.
inline tl::unexpected<Error> fail(Error error) {
  return tl::make_unexpected(std::move(error));
}

/// The text of `errno`-style code `number`, thread-safe.
std::string errnoText(int number);

}  // namespace redline
