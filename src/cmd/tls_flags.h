#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cmd/command.h"
#include "cmd/flag_values.h"
#include "transport/credentials.h"

namespace redline {

/// How connections to servers are encrypted: -tls -tls-ca -tls-cert -tls-key -tls-sni
/// -tls-insecure.
std::vector<FlagSpec> tlsFlags();
/// What -user and these say of how to connect to -addr. usage: a file cannot be used, or a flag is
/// given that says nothing without -tls.
Result<Credentials> credentialsFrom(const FlagValues& flags, const std::string& password);

}  // namespace redline
