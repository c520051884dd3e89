#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "resp/value.h"
#include "server/info.h"
#include "transport/blocking.h"
#include "transport/credentials.h"
#include "transport/endpoint.h"

namespace redline {

/// How long a handshake waits for a server that is still reading its data into memory.
struct LoadingWait {
  Nanos limit = 0;  ///< 0: -LOADING is an error at once
  /// Called about once a second with a line such as "127.0.0.1:7600 is loading: 41%, 12 s left".
  std::function<void(const std::string&)> progress;
};

/// The server knows no such command (any more), or does not let this user have it.
bool isWithheld(const Value& reply);
/// Of a refusal's words: the server has renamed or disabled the command, or is too old for it,
/// whoever asks.
bool isUnknownCommand(std::string_view refusal);

/// One administrative connection: commands and replies in turn, each with a time limit. Not for
/// load.
///
/// After a timeout or a lost connection the replies would be out of step, so the connection is
/// dropped and every later command is `unreachable`: make a new one. One thread at a time.
class Admin {
 public:
  static constexpr Nanos kDefaultTimeout = 5 * kSecond;

  /// Connects, authenticates, and makes sure that a Redis answers. `timeout` bounds the whole
  /// handshake and is the default of each command. unreachable: nothing listens; refused: a
  /// password is missing or wrong, or it is not a Redis; timeout: it accepted the connection and
  /// kept silent, or is still loading.
  static Result<Admin> connect(const Endpoint& endpoint, const Credentials& credentials,
                               Nanos timeout = kDefaultTimeout, const LoadingWait& loading = {});

  /// As connect(), for a watcher whose waits another thread may end: none lasts beyond `*limit`, a
  /// point on SteadyClock. `limit` must outlive the Admin.
  static Result<Admin> connect(const Endpoint& endpoint, const Credentials& credentials,
                               Nanos timeout, const std::atomic<Nanos>* limit);

  /// Sends one command and returns its reply; an error reply is Error refused with the reply's
  /// text.
  Result<Value> command(std::initializer_list<std::string_view> args,
                        std::optional<Nanos> timeout = {});
  Result<Value> command(std::span<const std::string> args, std::optional<Nanos> timeout = {});
  /// The same, but an error reply is returned as a value: for callers that look at its code.
  Result<Value> commandRaw(std::initializer_list<std::string_view> args,
                           std::optional<Nanos> timeout = {});
  Result<Value> commandRaw(std::span<const std::string> args, std::optional<Nanos> timeout = {});
  /// One command whose reply may be larger than memory (`KEYS *`): it is read and dropped. The
  /// value has its type and, in `integer`, how many elements or bytes it had; an error reply keeps
  /// its text.
  Result<Value> commandDiscard(std::span<const std::string> args,
                               std::optional<Nanos> timeout = {});
  /// All commands in one go; replies in order, error replies as values.
  Result<std::vector<Value>> pipeline(std::span<const std::vector<std::string>> commands,
                                      std::optional<Nanos> timeout = {});

  /// INFO of these sections; none: the default ones. "everything" costs the server more.
  Result<ServerInfo> info(std::initializer_list<std::string_view> sections = {});
  /// The same; where the server does not let this user have INFO, what HELLO tells everybody
  /// (ServerInfo::withheld says so): what is only worth knowing must keep nobody from driving.
  Result<ServerInfo> about(std::initializer_list<std::string_view> sections);
  /// One parameter's text. usage: the server has no such parameter.
  Result<std::string> configGet(std::string_view name);
  Status configSet(std::string_view name, std::string_view value);

  /// Replies may be as long as a value of that many bytes; by default a server that sends more than
  /// any of its own reports can need (kLongestReport) is dropped. Between two commands.
  void expectValues(std::size_t bytes);
  static constexpr std::size_t kLongestReport = 64 << 20;

  /// Refuses a server that redline is not made for (anything but 7.x), unless `anyVersion`.
  Status requireVersion(const ServerInfo& info, bool anyVersion) const;

  const Endpoint& endpoint() const { return endpoint_; }
  /// The same with its host as the address that was connected to.
  const Endpoint& peer() const { return peer_; }
  /// False once a timeout or a lost connection has put it out of step.
  bool connected() const { return stream_.has_value(); }
  /// Bytes of all replies so far.
  std::uint64_t bytesReceived() const { return bytesReceived_; }

 private:
  Admin(BlockingStream stream, Nanos timeout);
  static Result<Admin> open(const Endpoint& endpoint, const Credentials& credentials, Nanos timeout,
                            const LoadingWait& loading, const std::atomic<Nanos>* limit);
  Status authenticate(const Credentials& credentials, Nanos deadline);
  Status greet(const Credentials& credentials, Nanos deadline, const LoadingWait& loading);
  Status awaitLoaded(const LoadingWait& loading);
  Result<Value> ask(std::string_view encoded, Nanos deadline);
  Result<Value> readReply(ValueParser& parser, Nanos deadline);
  Result<ServerInfo> infoIn(Result<Value> reply) const;
  Result<Value> infoReply(std::initializer_list<std::string_view> sections);
  Result<Value> checked(Result<Value> reply) const;
  Nanos deadline(std::optional<Nanos> timeout) const;
  tl::unexpected<Error> drop(Error error);

  bool greeted_ = false;  ///< it was a Redis when the connection was made
  Endpoint endpoint_, peer_;
  std::optional<BlockingStream> stream_;
  ValueParser parser_;
  std::vector<char> buffer_;
  Nanos timeout_ = kDefaultTimeout;
  std::uint64_t bytesReceived_ = 0;
};

}  // namespace redline
