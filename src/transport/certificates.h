#pragma once

#include <filesystem>

#include "base/result.h"

namespace redline {

/// PEM files of a stack that speaks TLS. They are made for it and thrown away with it.
struct Certificates {
  std::filesystem::path ca;    ///< signs the other one; its key is kept nowhere
  std::filesystem::path cert;  ///< of all its servers: 127.0.0.1, ::1 and localhost
  std::filesystem::path key;   ///< readable by its owner alone

  static Certificates in(const std::filesystem::path& dir) {
    return {dir / "ca.crt", dir / "server.crt", dir / "server.key"};
  }
};

/// Makes a CA and a certificate (P-256, good for 30 days) and writes them into `dir`, which is made
/// where it is not there. io: a file cannot be written.
Result<Certificates> makeCertificates(const std::filesystem::path& dir);

}  // namespace redline
