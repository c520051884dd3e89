#include "transport/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace redline {
namespace {

/// The reason of OpenSSL's oldest error, and the queue emptied.
std::string lastReason() {
  const unsigned long code = ERR_get_error();
  const char* const reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown reason" : reason;
}

Status useOurs(SSL_CTX* context, const TlsOptions& options) {
  if (options.cert.empty() != options.key.empty())
    return fail(ErrorCode::usage, "{} is missing: -tls-cert and -tls-key go together",
                options.cert.empty() ? "-tls-cert" : "-tls-key");
  if (options.cert.empty()) return {};
  if (SSL_CTX_use_certificate_chain_file(context, options.cert.c_str()) != 1)
    return fail(ErrorCode::usage, "-tls-cert={} cannot be used: {}; it must be a PEM file",
                options.cert, lastReason());
  if (SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(ErrorCode::usage,
                "-tls-key={} cannot be used: {}; it must be the certificate's key in a PEM file",
                options.key, lastReason());
  return {};
}

Status trust(SSL_CTX* context, const TlsOptions& options) {
  if (options.insecure) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.ca.empty()) {
    SSL_CTX_set_default_verify_paths(context);
  } else if (SSL_CTX_load_verify_locations(context, options.ca.c_str(), nullptr) != 1) {
    return fail(ErrorCode::usage, "-tls-ca={} cannot be used: {}; it must be a PEM file",
                options.ca, lastReason());
  }
  return {};
}

/// A key that is encrypted is refused: asking at the terminal would stop a script.
int noPassphrase(char*, int, int, void*) {
  return 0;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<Tls> TlsContext::make(const TlsOptions& options) {
  std::unique_ptr<ssl_ctx_st, Free> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return fail(ErrorCode::io, "cannot set up TLS: {}", lastReason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_default_passwd_cb(context.get(), noPassphrase);
  if (auto used = useOurs(context.get(), options); !used) return fail(std::move(used.error()));
  if (auto trusted = trust(context.get(), options); !trusted)
    return fail(std::move(trusted.error()));
  return Tls(new TlsContext(options, std::move(context)));
}

}  // namespace redline
