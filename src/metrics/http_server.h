#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

namespace redline {

/// Answers GET /metrics from threads of its own: one that accepts and kThreads that answer; further
/// requests queue. Every answer closes its connection, so that no idle client holds a thread.
class MetricsServer {
 public:
  static constexpr std::size_t kThreads = 2;
  /// The body of /metrics. Called on any of the threads, several at a time.
  using Page = std::function<std::string()>;

  /// Listens on host:port (port 0: any that is free) and serves until destruction. io: it cannot
  /// listen there, because the port is in use or the address is not on this machine.
  static Result<std::unique_ptr<MetricsServer>> start(const std::string& host, std::uint16_t port,
                                                      Page page);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  std::uint16_t port() const;

 private:
  struct Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace redline
