#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "server/scoped_stack.h"

namespace redline::test {

/// A real redis-server of the test's own, or a failed test that says why there is none.
///   auto redis = startRedis(); if (!redis) return;
std::optional<ScopedStack> startRedis(NodeConfig config = {});

/// A real cluster: 3 masters and 3 replicas unless `shape` says otherwise.
std::optional<ScopedStack> startCluster(NodeConfig config = {}, ClusterShape shape = {});

/// A connection to it; fails the test when there is none.
std::optional<Admin> adminOf(const ScopedStack& stack, const std::string& password = {});

/// Waits up to `limit` until `done()`; false: it did not come.
bool eventually(const std::function<bool()>& done, Nanos limit = 10 * kSecond);

/// A temporary directory that goes with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A peer on loopback that accepts connections and answers each with the same bytes, whatever it is
/// told; with none it keeps silent.
class BarePeer {
 public:
  /// Port 0: any.
  explicit BarePeer(std::string answer, std::uint16_t port = 0);
  ~BarePeer();
  BarePeer(const BarePeer&) = delete;
  BarePeer& operator=(const BarePeer&) = delete;
  Endpoint endpoint() const { return {"127.0.0.1", port_, {}}; }

 private:
  void serve();

  std::string answer_;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// Writes an executable shell script and returns its path.
std::string writeScript(const std::filesystem::path& path, const std::string& body);

}  // namespace redline::test
