#pragma once

#include <filesystem>

#include "base/result.h"
#include "transport/credentials.h"

namespace redline {

/// In a stack's own directory; without it nothing there is ever removed.
inline constexpr const char* kStackMarker = ".redline-stack";

/// Trusts the CA of the certificates (transport/certificates.h) in this directory.
Result<Credentials> withTls(Credentials credentials, const std::filesystem::path& certificates);

}  // namespace redline
