#include "support/real_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "os/files.h"

namespace redline::test {
namespace fs = std::filesystem;

std::optional<ScopedStack> startRedis(NodeConfig config) {
  ScopedStackOptions options;
  options.node = std::move(config);
  auto stack = ScopedStack::start(options);
  if (stack) return std::move(*stack);
  ADD_FAILURE() << "no redis-server: " << stack.error().message;
  return std::nullopt;
}

std::optional<ScopedStack> startCluster(NodeConfig config, ClusterShape shape) {
  ScopedStackOptions options;
  options.node = std::move(config);
  options.cluster = std::move(shape);
  auto stack = ScopedStack::start(options);
  if (stack) return std::move(*stack);
  ADD_FAILURE() << "no cluster: " << stack.error().message;
  return std::nullopt;
}

std::optional<Admin> adminOf(const ScopedStack& stack, const std::string& password) {
  auto admin = Admin::connect(stack.endpoint(), {{}, password});
  if (admin) return std::move(*admin);
  ADD_FAILURE() << "no connection: " << admin.error().message;
  return std::nullopt;
}

bool eventually(const std::function<bool()>& done, Nanos limit) {
  const Nanos end = SteadyClock::read() + limit;
  while (!done()) {
    if (SteadyClock::read() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string name = "/tmp/redline-test-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "cannot make a directory in /tmp";
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code problem;
  fs::remove_all(path_, problem);
}

BarePeer::BarePeer(std::string answer, std::uint16_t port)
    : answer_(std::move(answer)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(::eventfd(0, EFD_CLOEXEC)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, generic, &length) != 0)
    ADD_FAILURE() << "cannot listen on loopback";
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

BarePeer::~BarePeer() {
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) < 0) ADD_FAILURE() << "cannot wake the peer";
  thread_.join();
  ::close(listener_);
  ::close(wake_);
}

void BarePeer::serve() {
  std::vector<int> open;
  for (;;) {
    pollfd waiting[2] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) break;
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) continue;
    open.push_back(fd);
    if (!answer_.empty()) (void)!::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL);
  }
  for (const int fd : open) ::close(fd);
}

std::string writeScript(const fs::path& path, const std::string& body) {
  if (auto written = writeWholeFile(path, "#!/bin/sh\n" + body + "\n"); !written)
    ADD_FAILURE() << written.error().message;
  fs::permissions(path, fs::perms::owner_all);
  return path.string();
}

}  // namespace redline::test
