#include "cmd/tls_flags.h"

#include <utility>

#include "transport/gate.h"

namespace redline {

std::vector<FlagSpec> tlsFlags() {
  constexpr std::string_view kGroup = "TLS";
  return {
      {.name = "tls",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "encrypt the connections to servers, as a rediss:// URL in -addr also says; Unix "
               "sockets stay plain, as Redis's are",
       .group = kGroup},
      {.name = "tls-ca",
       .kind = ValueKind::path,
       .help =
           "PEM file of the CA that must have signed the servers' certificates; 'stack up -tls' "
           "prints its own",
       .example = "/etc/redis/ca.crt",
       .group = kGroup,
       .whenEmpty = "the system's CAs"},
      {.name = "tls-cert",
       .kind = ValueKind::path,
       .help = "PEM file of our certificate, for servers with tls-auth-clients",
       .example = "client.crt",
       .group = kGroup,
       .whenEmpty = "none"},
      {.name = "tls-key",
       .kind = ValueKind::path,
       .help = "PEM file of its key, without a passphrase",
       .example = "client.key",
       .group = kGroup,
       .whenEmpty = "none"},
      {.name = "tls-sni",
       .help = "name that the servers' certificates must be made out to, sent as SNI too",
       .example = "redis.example",
       .group = kGroup,
       .whenEmpty = "the host that is connected to"},
      {.name = "tls-insecure",
       .kind = ValueKind::boolean,
       .fallback = "false",
       .help = "accept any certificate: whoever answers sees the password and the data",
       .group = kGroup},
  };
}

Result<Credentials> credentialsFrom(const FlagValues& flags, const std::string& password) {
  Credentials credentials{flags.text("user"), password};
  if (!flags.on("tls") && !flags.at("addr").tls) {
    for (const auto* const flag : {"tls-ca", "tls-cert", "tls-key", "tls-sni", "tls-insecure"})
      if (flags.at(flag).source == FlagSource::commandLine)
        return fail(ErrorCode::usage, "-{} says nothing without -tls or a rediss:// URL", flag);
    return credentials;
  }
  TlsOptions options;
  options.ca = flags.text("tls-ca");
  options.cert = flags.text("tls-cert");
  options.key = flags.text("tls-key");
  options.name = flags.text("tls-sni");
  // Workers connect to addresses, whatever name led to them.
  if (const std::string& host = flags.endpoints("addr").front().host;
      options.name.empty() && !host.empty() && !isNumeric(host))
    options.name = host;
  options.insecure = flags.on("tls-insecure");
  auto tls = TlsContext::make(options);
  if (!tls) return fail(std::move(tls.error()));
  credentials.tls = std::move(*tls);
  return credentials;
}

}  // namespace redline
