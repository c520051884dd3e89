#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "os/fd.h"
#include "resp/value.h"
#include "transport/endpoint.h"

namespace redline::test {

/// A hostile server: a real one behind a proxy that puts its own words into the server's mouth.
/// Each connection has a thread.
class TamperingProxy {
 public:
  /// What the client gets.
  struct Answer {
    std::string bytes;
    bool endless = false;  ///< these again and again, until the client hangs up
  };
  /// The answer to a request to which the server has replied `reply` (its bytes). Nothing: the
  /// client waits. Called on the connections' threads, one at a time.
  using Tamper = std::function<std::optional<Answer>(const Value& request, std::string_view reply)>;

  TamperingProxy(Endpoint server, Tamper tamper);
  ~TamperingProxy();
  TamperingProxy(const TamperingProxy&) = delete;
  TamperingProxy& operator=(const TamperingProxy&) = delete;

  /// Where it listens.
  Endpoint endpoint() const { return {"127.0.0.1", port_, {}}; }

 private:
  void accept();
  void serve(const Fd& client);
  std::optional<Answer> answerTo(const Value& request, std::string_view reply);

  const Endpoint server_;
  const Tamper tamper_;
  std::mutex mutex_;
  Fd listener_, stop_;  // the latter is readable when it is time to end
  std::uint16_t port_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> connections_;
};

}  // namespace redline::test
