#include "support/recorded_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "os/fd.h"
#include "os/files.h"
#include "support/real_redis.h"

namespace redline::test {
namespace {

constexpr char kInterface[] = "recorder";

sockaddr ipv4(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, text, &address.sin_addr);
  sockaddr generic;
  std::memcpy(&generic, &address, sizeof generic);
  return generic;
}

bool raise(const Fd& socket, const char* name) {
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

/// The interface, and the default route to it. Reading it gives the packets.
Fd makeRecorder() {
  Fd tun(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, kInterface, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (!tun.valid() || ::ioctl(tun.get(), TUNSETIFF, &request) != 0) return {};
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  request.ifr_addr = ipv4("198.18.0.1");  // set aside for benchmarks (RFC 2544)
  if (::ioctl(socket.get(), SIOCSIFADDR, &request) != 0) return {};
  request.ifr_addr = ipv4("255.255.255.0");
  if (::ioctl(socket.get(), SIOCSIFNETMASK, &request) != 0) return {};
  if (!raise(socket, "lo") || !raise(socket, kInterface)) return {};
  rtentry route{};
  route.rt_dst = ipv4("0.0.0.0");
  route.rt_genmask = ipv4("0.0.0.0");
  std::array<char, IFNAMSIZ> device{};
  std::strncpy(device.data(), kInterface, device.size() - 1);
  route.rt_dev = device.data();
  route.rt_flags = RTF_UP;
  if (::ioctl(socket.get(), SIOCADDRT, &route) != 0) return {};
  return tun;
}

/// Empty: of the kernel itself (IPv6 looks for neighbours on each new interface).
std::string describe(const unsigned char* packet, std::size_t size) {
  const int version = size < 20 ? 0 : packet[0] >> 4;
  if (version == 6) {
    if (size < 40 || packet[6] == IPPROTO_ICMPV6 || packet[6] == IPPROTO_HOPOPTS) return {};
    std::array<char, INET6_ADDRSTRLEN> to{};
    ::inet_ntop(AF_INET6, packet + 24, to.data(), to.size());
    return std::string("IPv6 to ") + to.data();
  }
  std::array<char, INET_ADDRSTRLEN> to{};
  ::inet_ntop(AF_INET, packet + 16, to.data(), to.size());
  const char* const protocol = packet[9] == IPPROTO_TCP   ? "TCP"
                               : packet[9] == IPPROTO_UDP ? "UDP"
                                                          : "IPv4";
  return std::string(protocol) + " to " + to.data();
}

std::vector<std::string> packetsOf(const Fd& tun) {
  std::vector<std::string> packets;
  std::array<unsigned char, 65'536> packet;
  for (;;) {
    const ssize_t got = ::read(tun.get(), packet.data(), packet.size());
    if (got <= 0) return packets;
    if (auto text = describe(packet.data(), static_cast<std::size_t>(got)); !text.empty())
      packets.push_back(std::move(text));
  }
}

/// `text` in the place of a file of /etc, for this thread and its processes.
bool replaceFile(const TemporaryDirectory& home, const std::string& name, const std::string& text) {
  const auto file = home.path() / name;
  return writeWholeFile(file, text) &&
         ::mount(file.c_str(), ("/etc/" + name).c_str(), nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

std::optional<std::vector<std::string>> RecordedNetwork::sentDuring(
    const std::function<void()>& body) {
  std::optional<std::vector<std::string>> sent;
  const TemporaryDirectory home;
  std::thread([&] {
    const auto no = [this](const char* what) { whyNot_ = what + errnoText(errno); };
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return no("no namespaces (needs root): ");
    ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (!replaceFile(home, "hosts", "127.0.0.1 localhost\n" + hosts_) ||
        !replaceFile(home, "resolv.conf", "nameserver 198.18.0.53\noptions timeout:1 attempts:1\n"))
      return no("cannot replace /etc/hosts: ");
    const Fd tun = makeRecorder();
    if (!tun.valid()) return no("no interface that records (/dev/net/tun): ");
    body();
    sent = packetsOf(tun);
  }).join();
  return sent;
}

}  // namespace redline::test
