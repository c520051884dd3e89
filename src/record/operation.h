#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redline {

/// What an operation does. Indexes the per-kind histograms.
enum class OpKind : std::uint8_t { get, set };
inline constexpr std::size_t kOpKinds = 2;
inline constexpr std::array<std::string_view, kOpKinds> kOpKindNames{"get", "set"};

/// The latencies of every operation, in nanoseconds.
enum class Measure : std::uint8_t {
  response,  ///< completed − intended: what a user waits
  service,   ///< completed − sent: what the server (and the wire) took
  lateness,  ///< sent − intended: all delay before the send, whatever caused it
  dispatch,  ///< sent − max(intended, connection became free, batch complete): the generator's own
             ///< share of lateness
};
inline constexpr std::size_t kMeasures = 4;
inline constexpr std::array<std::string_view, kMeasures> kMeasureNames{"response", "service",
                                                                       "lateness", "dispatch"};

/// Why an operation failed.
enum class Failure : std::uint8_t {
  serverError,   ///< -ERR and any prefix not listed below
  oom,           ///< -OOM: maxmemory reached and nothing may be evicted
  loading,       ///< -LOADING
  readOnly,      ///< -READONLY
  misconf,       ///< -MISCONF: persistence is failing
  busy,          ///< -BUSY: a script runs
  masterDown,    ///< -MASTERDOWN
  noAuth,        ///< -NOAUTH, -WRONGPASS, -NOPERM
  clusterDown,   ///< -CLUSTERDOWN past its deadline
  redirects,     ///< too many MOVED / ASK, or TRYAGAIN past its deadline
  execAbort,     ///< -EXECABORT
  wrongType,     ///< -WRONGTYPE
  timeout,       ///< past -op-timeout
  disconnected,  ///< the connection was lost before the request was sent, or a read's retries ran
                 ///< out
  unknownFate,   ///< a write whose connection was lost after it was sent
  protocol,      ///< the reply was not RESP, or of a type that cannot answer the request
  underReplicated,  ///< a write that its master has, and fewer replicas than WAIT was to see
  storeFailed,      ///< the store behind the cache: it could not be asked, or refused
  storeTimeout,     ///< … it had no outcome within -backing-timeout
  storeShed,        ///< … -backing-max-rate was reached, or its queue was full
};
inline constexpr std::size_t kFailures = 20;
/// Names in `errors` of the summary and the `kind` label of the metrics.
inline constexpr std::array<std::string_view, kFailures> kFailureNames{
    "server_error",     "oom",          "loading",       "readonly",
    "misconf",          "busy",         "masterdown",    "noauth",
    "clusterdown",      "redirects",    "execabort",     "wrongtype",
    "timeout",          "disconnected", "unknown_fate",  "protocol",
    "under_replicated", "store_failed", "store_timeout", "store_shed"};

/// Whether an operation that failed so got a reply: the server was there and had its say.
constexpr bool isAnswered(Failure failure) noexcept {
  return failure != Failure::timeout && failure != Failure::disconnected &&
         failure != Failure::unknownFate && failure != Failure::storeTimeout;
}

constexpr std::size_t index(OpKind kind) noexcept {
  return static_cast<std::size_t>(kind);
}
constexpr std::size_t index(Measure measure) noexcept {
  return static_cast<std::size_t>(measure);
}
constexpr std::size_t index(Failure failure) noexcept {
  return static_cast<std::size_t>(failure);
}

}  // namespace redline
