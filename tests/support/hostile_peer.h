#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "os/fd.h"
#include "resp/value.h"
#include "support/tcp_listener.h"
#include "workload/values.h"

namespace redline::test {

/// A piece of conversation, as the bytes that the server sends in it.
enum class Exchange : std::uint8_t {
  greeting,     ///< to HELLO 3 and CLIENT TRACKING on the first connection
  regreeting,   ///< the same on a connection that replaces a closed one
  get,          ///< to a GET
  transaction,  ///< to MULTI, its commands, and EXEC
  ask,          ///< ASK, to a GET
  asking,       ///< to ASKING and the GET behind it, from the second node
  push,         ///< an invalidation, behind the reply to a GET
};

/// What a peer does instead of continuing.
enum class Blow : std::uint8_t {
  none,
  stop,     ///< it is silent, and still reads
  close,    ///< an orderly end
  reset,    ///< a connection reset
  garbage,  ///< bytes that mean nothing, and then the rest
  length,   ///< a string that claims a gigabyte, and as much of it as is taken
  nesting,  ///< arrays in arrays, without an end
  line,     ///< a line without an end
};

/// A peer on loopback that speaks as much of Redis's protocol as a driver hears, on two ports as
/// two nodes of a cluster. It is honest but for one blow, `offset` bytes into its third exchange of
/// a kind (the first greeting).
class HostilePeer {
 public:
  struct Plan {
    Exchange exchange;
    Blow blow;
    std::size_t offset;
    const Values& values;  ///< what its keys hold
  };

  explicit HostilePeer(const Plan& plan);
  ~HostilePeer();
  HostilePeer(const HostilePeer&) = delete;
  HostilePeer& operator=(const HostilePeer&) = delete;

  const Endpoint& node(std::size_t i) const { return listeners_[i].endpoint(); }
  /// Bytes of the exchange so far; all of them where there was no blow.
  std::size_t said() const { return said_; }
  bool hasStruck() const { return struck_; }

 private:
  struct Session {
    Fd fd;
    std::size_t node = 0;
    ValueParser requests;
    std::string out;         ///< not yet taken
    std::string_view flood;  ///< behind `out`, over and over
    std::size_t flooded = 0;
    bool inExchange = false;
    bool isSilent = false, ends = false, resets = false;
    bool inTransaction = false;
    std::vector<std::string> queued;  ///< replies for EXEC
  };

  void serve();
  void accept(std::size_t node);
  bool receive(Session& session);
  bool send(Session& session) const;
  void answer(Session& session, const Value& request);
  void answerGet(Session& session, const std::string& key);
  void say(Session& session, std::string_view bytes);
  void strike(Session& session, std::string_view rest);
  bool begins(Exchange exchange);
  void finish(Session& session);
  std::string valueOf(const std::string& key) const;

  const Plan plan_;
  const std::array<TcpListener, 2> listeners_;
  const Fd wake_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::size_t begun_ = 0;    // exchanges of the kind
  bool mayRegreet_ = false;  // a connection was closed for that
  bool over_ = false;        // the exchange has ended
  std::atomic<std::size_t> said_{0};
  std::atomic<bool> struck_{false};
  std::thread thread_;
};

}  // namespace redline::test
