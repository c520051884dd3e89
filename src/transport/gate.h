#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "transport/endpoint.h"
#include "transport/socket.h"

namespace redline {

/// The other machines that redline may connect to.
class AllowList {
 public:
  AllowList() = default;
  /// Reads "redis.example,10.0.0.0/8,2001:db8::1": host names, addresses and networks. usage: one
  /// of them is neither.
  static Result<AllowList> parse(std::string_view text);

  bool empty() const { return names_.empty() && networks_.empty(); }
  /// Looks the host names up: their addresses are allowed too, since the nodes of a cluster are
  /// announced by address. unreachable: one cannot be resolved.
  Status lookUpNames();
  /// `host`: as it was asked for; `address`: the bytes of what it stands for.
  bool has(std::string_view host, std::string_view address) const;

 private:
  struct Network {
    std::string address;  ///< 4 or 16 bytes
    unsigned bits = 0;    ///< of these
    bool contains(std::string_view other) const;
  };
  std::vector<std::string> names_;
  std::vector<Network> networks_;
};

/// The gate that every connection of this process passes through, whatever led to its address: a
/// flag, a redirect, a cluster's map, a server's INFO, DNS. It lets through to this machine, and to
/// those of the AllowList. A PeerAddress can be had from it alone, and nothing else can be
/// connected to; the address that was checked is the one that is connected to.

enum class NameLookup : std::uint8_t {
  yes,
  never,  ///< for threads that must not wait: a host that is a name is refused (usage)
};

/// The addresses of the endpoint, in the order of preference; at least one. unsafe: one of them is
/// on a machine that is not allowed; unreachable: the host cannot be resolved.
Result<std::vector<PeerAddress>> admit(const Endpoint& endpoint,
                                       NameLookup lookup = NameLookup::yes);

/// The same endpoint with its host as an address. Errors as in admit().
Result<Endpoint> lookUp(const Endpoint& endpoint);

/// The host is an address, and no name.
bool isNumeric(const std::string& host);

/// Lets the gate through to the machines of the list, too. Before the first connection.
void allowMachines(AllowList list);

/// True for a Unix socket and for a host that resolves to addresses of this machine alone.
Result<bool> isLocal(const Endpoint& endpoint);

/// True for a Unix socket and for a host that resolves to loopback alone: what listens there cannot
/// be reached from other machines. False where it does not resolve.
bool isLoopback(const Endpoint& endpoint);

}  // namespace redline
