#pragma once

#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/node.h"

namespace redline {

struct ScopedStackOptions {
  /// `dir` and `port` are chosen by the stack; maxmemory 0: 256 MB.
  NodeConfig node;
  Nanos startTimeout = NodeStartOptions{}.timeout;
  std::filesystem::path parent;  ///< where its temporary directory goes; empty: $TMPDIR or /tmp
};

/// Servers that live as long as this object: for tests, and for runs that own their servers. In a
/// temporary directory, on free ports (never 6379). They die with the *thread* that calls start(),
/// however it ends, so start it on one that lives long enough.
class ScopedStack {
 public:
  static Result<ScopedStack> start(const ScopedStackOptions& options = {});
  ScopedStack(ScopedStack&&) noexcept = default;
  ScopedStack& operator=(ScopedStack&& other) noexcept {
    dir_.swap(other.dir_);
    nodes_.swap(other.nodes_);
    std::swap(startTimeout_, other.startTimeout_);
    return *this;
  }
  /// Kills the servers and removes their files.
  ~ScopedStack() { clear(); }

  Node& node() { return *nodes_.front(); }
  const Node& node() const { return *nodes_.front(); }
  Endpoint endpoint() const { return node().endpoint(); }
  const std::filesystem::path& dir() const { return dir_; }
  /// Starts the server again after it has died: same directory, port and configuration.
  Status restart();

 private:
  ScopedStack() = default;
  Status startNode(const ScopedStackOptions& options);
  void clear();

  std::filesystem::path dir_;
  std::vector<std::unique_ptr<Node>> nodes_;
  Nanos startTimeout_ = 0;
};

}  // namespace redline
