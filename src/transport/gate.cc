#include "transport/gate.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

#include "base/text.h"

namespace redline {
namespace {

struct ListDeleter {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};
using AddressList = std::unique_ptr<addrinfo, ListDeleter>;

struct ProcessAllowList {
  std::shared_mutex mutex;
  AllowList list;
};

ProcessAllowList& allowed() {
  static ProcessAllowList ofProcess;
  return ofProcess;
}

/// The bytes of an IPv4 or IPv6 address; an IPv4-mapped IPv6 address becomes IPv4.
std::string bytesOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof v4);
    return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr};
  }
  if (address->sa_family != AF_INET6) return {};
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof v6);
  std::string bytes(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
  return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? bytes.substr(12) : bytes;
}

std::string textOf(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

bool isLoopbackAddress(std::string_view address) {
  if (address.size() == 4) return static_cast<unsigned char>(address[0]) == 127;
  return address == std::string(15, '\0') + '\1';
}

/// "0.0.0.0" and "::" connect to this machine.
bool isUnspecified(std::string_view address) {
  return address.find_first_not_of('\0') == std::string_view::npos;
}

Result<bool> isOfAnInterface(std::string_view address) {
  ifaddrs* raw = nullptr;
  if (getifaddrs(&raw) != 0)
    return fail(ErrorCode::io, "cannot list this machine's addresses: {}", errnoText(errno));
  const std::unique_ptr<ifaddrs, ListDeleter> list(raw);
  for (const ifaddrs* each = raw; each != nullptr; each = each->ifa_next)
    if (each->ifa_addr != nullptr && bytesOf(each->ifa_addr) == address) return true;
  return false;
}

Result<bool> isOfThisMachine(std::string_view address) {
  if (isLoopbackAddress(address) || isUnspecified(address)) return true;
  return isOfAnInterface(address);
}

Result<AddressList> listOf(const std::string& host, const std::string& port, NameLookup lookup) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (lookup == NameLookup::never ? AI_NUMERICHOST : 0);
  addrinfo* raw = nullptr;
  const int problem = getaddrinfo(host.c_str(), port.c_str(), &hints, &raw);
  if (problem == 0) return AddressList(raw);
  if (lookup == NameLookup::never)
    return fail(ErrorCode::usage, "{} is a name, and is not looked up under load", host);
  return fail(ErrorCode::unreachable, "cannot resolve the host {}: {}", host,
              gai_strerror(problem));
}

Result<AddressList> listOf(const Endpoint& endpoint, NameLookup lookup) {
  return listOf(endpoint.host, std::to_string(endpoint.port), lookup);
}

Status judge(const Endpoint& endpoint, std::string_view address) {
  const auto local = isOfThisMachine(address);
  if (!local) return fail(local.error());
  if (*local) return {};
  bool isListed = false;  // -allow is given, and names others
  {
    ProcessAllowList& process = allowed();
    const std::shared_lock lock(process.mutex);
    if (process.list.has(endpoint.host, address)) return {};
    isListed = !process.list.empty();
  }
  const std::string is = textOf(address);
  return fail(ErrorCode::unsafe,
              "{}{} is not on this machine: redline connects to other machines only where -allow "
              "names them ({}{})",
              endpoint.text(), is == endpoint.host ? "" : " (" + is + ")",
              isListed ? "add to its list: " : "-allow=", endpoint.host);
}

std::optional<std::string> addressIn(std::string_view text) {
  const auto list = listOf(std::string(text), "0", NameLookup::never);
  if (!list) return std::nullopt;
  return bytesOf((*list)->ai_addr);
}

bool isHostName(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// The list

Result<AllowList> AllowList::parse(std::string_view text) {
  AllowList list;
  for (const std::string_view each : split(text, ',')) {
    const std::string_view entry = trim(each);
    const auto wrong = [&](std::string_view why) {
      return fail(ErrorCode::usage,
                  "-allow: \"{}\" {}: name hosts, addresses or networks, as in "
                  "redis.example,10.0.0.0/8",
                  entry, why);
    };
    const std::size_t slash = entry.find('/');
    const auto address = addressIn(entry.substr(0, slash));
    if (!address) {
      if (slash != std::string_view::npos || !isHostName(entry)) return wrong("is not a host");
      list.names_.emplace_back(entry);
      continue;
    }
    const auto most = static_cast<unsigned>(8 * address->size());
    unsigned bits = most;
    if (slash != std::string_view::npos) {
      const auto given = toNumber<unsigned>(entry.substr(slash + 1));
      if (!given || *given > most) return wrong("has no such number of bits");
      bits = *given;
    }
    list.networks_.push_back({*address, bits});
  }
  return list;
}

Status AllowList::lookUpNames() {
  for (const std::string& name : names_) {
    const auto list = listOf(name, "0", NameLookup::yes);
    if (!list) return fail(ErrorCode::unreachable, "-allow: {}", list.error().message);
    for (const addrinfo* each = list->get(); each != nullptr; each = each->ai_next)
      if (auto bytes = bytesOf(each->ai_addr); !bytes.empty())
        networks_.push_back({bytes, static_cast<unsigned>(8 * bytes.size())});
  }
  return {};
}

bool AllowList::has(std::string_view host, std::string_view address) const {
  return std::ranges::find(names_, host) != names_.end() ||
         std::ranges::any_of(networks_, [&](const Network& net) { return net.contains(address); });
}

bool AllowList::Network::contains(std::string_view other) const {
  if (other.size() != address.size()) return false;
  const std::size_t whole = bits / 8;
  if (other.substr(0, whole) != std::string_view(address).substr(0, whole)) return false;
  if (bits % 8 == 0) return true;
  const unsigned differing =
      static_cast<unsigned char>(other[whole]) ^ static_cast<unsigned char>(address[whole]);
  return (differing >> (8 - bits % 8)) == 0;
}

// ---------------------------------------------------------------------------------------------------
// The gate

void allowMachines(AllowList list) {
  ProcessAllowList& process = allowed();
  const std::unique_lock lock(process.mutex);
  process.list = std::move(list);
}

Result<std::vector<PeerAddress>> admit(const Endpoint& endpoint, NameLookup lookup) {
  std::vector<PeerAddress> addresses;
  if (endpoint.isUnix()) {
    auto address = PeerAddress::ofUnix(endpoint.unixPath);
    if (!address) return fail(std::move(address.error()));
    addresses.push_back(*address);
    return addresses;
  }
  const auto list = listOf(endpoint, lookup);
  if (!list) return fail(list.error());
  for (const addrinfo* each = list->get(); each != nullptr; each = each->ai_next) {
    const std::string bytes = bytesOf(each->ai_addr);
    if (bytes.empty()) continue;
    if (auto good = judge(endpoint, bytes); !good) return fail(std::move(good.error()));
    addresses.push_back(PeerAddress(each->ai_addr, each->ai_addrlen));
  }
  if (addresses.empty())
    return fail(ErrorCode::unreachable, "the host {} has no address", endpoint.host);
  return addresses;
}

Result<Endpoint> lookUp(const Endpoint& endpoint) {
  const auto addresses = admit(endpoint);
  if (!addresses) return fail(addresses.error());
  return addresses->front().endpoint();
}

bool isNumeric(const std::string& host) {
  return listOf(host, "0", NameLookup::never).has_value();
}

Result<bool> isLocal(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return true;
  const auto list = listOf(endpoint, NameLookup::yes);
  if (!list) return fail(list.error());
  for (const addrinfo* each = list->get(); each != nullptr; each = each->ai_next) {
    const std::string bytes = bytesOf(each->ai_addr);
    const auto local = isOfThisMachine(bytes);
    if (!local) return fail(local.error());
    if (!*local) return false;
  }
  return true;
}

bool isLoopback(const Endpoint& endpoint) {
  if (endpoint.isUnix()) return true;
  const auto list = listOf(endpoint, NameLookup::yes);
  if (!list) return false;
  for (const addrinfo* each = list->get(); each != nullptr; each = each->ai_next)
    if (!isLoopbackAddress(bytesOf(each->ai_addr))) return false;
  return true;
}

}  // namespace redline
