#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace redline::test {

/// A network of the test's own: loopback, and one more interface that everything else leads to and
/// that records what is sent, instead of sending it.
class RecordedNetwork {
 public:
  /// Lines of /etc/hosts there, beside localhost. No name server can be reached.
  explicit RecordedNetwork(std::string hosts = {}) : hosts_(std::move(hosts)) {}

  /// Runs `body` on a thread in that network, as are the processes that it starts, and returns what
  /// was sent to other machines, as "UDP to 192.0.2.1". Nothing, with the reason in whyNot(): this
  /// process may have no network of its own.
  std::optional<std::vector<std::string>> sentDuring(const std::function<void()>& body);
  const std::string& whyNot() const { return whyNot_; }

 private:
  std::string hosts_, whyNot_;
};

}  // namespace redline::test
