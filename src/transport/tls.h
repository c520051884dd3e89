#pragma once

#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;

namespace redline {

/// How connections are encrypted. Paths name PEM files.
struct TlsOptions {
  std::string ca;         ///< what servers' certificates must be signed by; empty: the system's CAs
  std::string cert, key;  ///< ours, for servers that ask for one; both or neither
  std::string name;       ///< what certificates must be made out to; empty: the host connected to
  bool insecure = false;  ///< accepts any certificate, so anybody's
};

/// What all TLS connections of a process share. Immutable; any thread may use it.
class TlsContext {
 public:
  /// Reads the files. usage: one cannot be read, does not hold what it should, or the key does not
  /// belong to the certificate.
  static Result<std::shared_ptr<const TlsContext>> make(const TlsOptions& options);

  const TlsOptions& options() const noexcept { return options_; }
  ssl_ctx_st* get() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  TlsContext(TlsOptions options, std::unique_ptr<ssl_ctx_st, Free> context)
      : options_(std::move(options)), context_(std::move(context)) {}

  TlsOptions options_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

/// Null: connections are not encrypted.
using Tls = std::shared_ptr<const TlsContext>;

}  // namespace redline
